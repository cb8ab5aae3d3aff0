"""The services of the local installation: in what order they start."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local import services
from deploy.local.environment import Local
from deploy.local.services import Service
from tests.conftest import free_port


def test_the_scheduler_starts_when_the_api_server_answers(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that it starts asks the API server at once, and failed."""
    done: list[tuple[str, str]] = []
    for name in ("RATCHET_AIRFLOW_PORT", "RATCHET_MLFLOW_PORT"):
        monkeypatch.setenv(name, str(free_port()))

    def start(_local: Local, service: Service, _environment: dict[str, str]) -> str:
        done.append(("started", service.name))
        return service.name

    monkeypatch.setattr(services, "_start", start)
    monkeypatch.setattr(services, "_wait", lambda _local, service: done.append(("answers", service.name)))
    monkeypatch.setattr(services, "_airflow", lambda *_: None)
    services.up(Local.current(), lambda _: None)
    assert done.index(("started", "api-server")) < done.index(("answers", "api-server"))
    for name in ("scheduler", "dag-processor", "triggerer", "keeper"):
        assert done.index(("answers", "api-server")) < done.index(("started", name))
    assert {name for what, name in done if what == "answers"} == {name for what, name in done if what == "started"}
