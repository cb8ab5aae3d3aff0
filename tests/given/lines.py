"""A line to a server that a test may cut and mend: to a client, as a server that goes and comes."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading

from tests.conftest import free_port


class Line:
    """A port of its own that leads to a server's port on the loopback address, once it is mended."""

    def __init__(self, port: int) -> None:
        self._to = port
        self.port = free_port()
        self._open: set[socket.socket] = set()
        self._server: socketserver.ThreadingTCPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def mend(self) -> None:
        """Listen, and pass on what comes."""
        line = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with socket.create_connection(("127.0.0.1", line._to)) as there:
                    line._open |= {self.request, there}
                    back = threading.Thread(target=_pump, args=(there, self.request))
                    back.start()
                    _pump(self.request, there)
                    back.join()

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,)).start()

    def cut(self) -> None:
        """Listen no more, and break what is open."""
        if self._server is not None:
            self._server.shutdown()
            for each in self._open:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
            self._server.server_close()
            self._open, self._server = set(), None


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while part := source.recv(65536):
            sink.sendall(part)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
