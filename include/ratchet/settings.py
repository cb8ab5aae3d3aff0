"""Say where things live. Every place can be moved by an environment variable."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ratchet import installation
from ratchet.errors import RequestError

_TOKEN = re.compile(r"gh[a-z]_|github_pat_|gl[a-z]+-|.{32}")  # how a host's tokens look, where a login would stand
DEFAULT_MLFLOW = "http://localhost:5000"


@dataclass(frozen=True)
class Settings:
    """Folders and addresses of one installation, each with the variable that moves it."""

    home: Path  # RATCHET_HOME: the project's folder
    var: Path  # RATCHET_VAR: the folder of all state; by default <home>/var
    loops: Path  # RATCHET_LOOPS: the folder of the loops
    suites: Path  # RATCHET_SUITES: the Great Expectations folder
    registry: Path  # RATCHET_REGISTRY: the data registry's folder
    remote: str  # RATCHET_REMOTE: its DVC remote, any URL that DVC knows or a folder, seen from the registry
    # RATCHET_GIT_REMOTE: its Git remote, a folder or a URL, or `none`; by default `registry.git` in the DVC remote
    # where that is a folder. Where it is named it is the truth, and the registry a copy that keeps up with it.
    git_remote: str
    tracking_uri: str  # MLFLOW_TRACKING_URI: the MLflow server; by default that of <var>/installation.json

    @classmethod
    def current(cls) -> Settings:
        """Read the environment. Raises RequestError where a remote's URL holds a password."""
        env = os.environ
        home = Path(env.get("RATCHET_HOME") or _checkout() or Path.cwd()).absolute()
        var = Path(env.get("RATCHET_VAR", home / "var")).absolute()
        registry = Path(env.get("RATCHET_REGISTRY", var / "registry"))
        remote = _place("RATCHET_REMOTE", str(var / "remote"), registry)
        beside = "none" if "://" in remote else f"{remote}/registry.git"
        return cls(
            home=home,
            var=var,
            loops=Path(env.get("RATCHET_LOOPS", home / "include" / "loops")),
            suites=Path(env.get("RATCHET_SUITES", home / "great_expectations")),
            registry=registry,
            remote=remote,
            git_remote=_place("RATCHET_GIT_REMOTE", beside, registry),
            tracking_uri=_server(env.get("MLFLOW_TRACKING_URI") or _described(var)),
        )

    @property
    def staging(self) -> Path:
        """Deliveries between fetch and publish."""
        return self.var / "staging"

    @property
    def snapshots(self) -> Path:
        """Features of pinned training windows, by content; safe to delete."""
        return self.var / "snapshots"

    @property
    def features(self) -> Path:
        """Features, a file a day; safe to delete."""
        return self.var / "features"

    @property
    def predictions(self) -> Path:
        """Batch predictions, by loop and partition."""
        return self.var / "predictions"

    @property
    def reports(self) -> Path:
        """What the monitor saw, by loop and partition."""
        return self.var / "reports"

    @property
    def models(self) -> Path:
        """Downloaded model versions; safe to delete."""
        return self.var / "models"

    @property
    def data_docs(self) -> Path:
        """Great Expectations' pages, by loop, table and partition."""
        return self.var / "data_docs"


def folder(remote: str) -> Path | None:
    """Return the folder that a remote is, on this machine; None where it is a URL, or none."""
    return Path(remote) if remote.startswith("/") else None


def port(name: str) -> int | None:
    """Return the port that a variable names; None where it names none. Raises RequestError where that is no port."""
    text = os.environ.get(name, "")
    if not text:
        return None
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise RequestError(f"{name} is {text!r}, which is no port. Give a number from 1 to 65535")
    return int(text)


def _place(name: str, default: str, registry: Path) -> str:
    """Return a URL as it is, and a folder from the root on: one that is relative is seen from the registry."""
    remote = os.environ.get(name) or default
    if "://" in remote:
        return _without_secret(name, remote)
    if remote == "none" or (name == "RATCHET_GIT_REMOTE" and re.match(r"[^/]+:", remote)):  # as Git reads host:path
        return remote
    return os.path.normpath(registry.absolute() / remote)


def _without_secret(name: str, url: str) -> str:
    """Return a URL that names no password and no token: told in errors, or written into the registry, it stays."""
    parts = urlsplit(url)
    user, colon, _ = parts.netloc.rpartition("@")[0].partition(":")
    if not colon and not _TOKEN.match(user):
        return url
    host = parts.netloc.rpartition("@")[2]
    if name == "RATCHET_REMOTE":
        instead = "Give it by the variables that the remote's kind knows (AWS_*, GOOGLE_*, AZURE_*)"
    elif parts.scheme == "ssh":
        host, instead = f"{user}@{host}", "Give a key: RATCHET_GIT_SSH_KEY"
    else:
        instead = "Give it as RATCHET_GIT_TOKEN"
    shown = parts._replace(netloc=host).geturl()
    raise RequestError(f"{name} holds a password or a token. Name the remote without it, {shown}. {instead}")


def _server(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise RequestError(
            f"MLFLOW_TRACKING_URI is {url!r}, which is no server's address, and Ratchet speaks with MLflow's server "
            "alone. Give one as http://localhost:5000, or unset it: make up starts one"
        )
    return url


def _described(var: Path) -> str:
    found = installation.read(var)
    return found.mlflow_url if found else DEFAULT_MLFLOW


def _checkout() -> Path | None:
    """Return the checkout that this file is part of; None where it was installed from a wheel."""
    home = Path(__file__).resolve().parents[2]
    return home if (home / "pyproject.toml").is_file() else None
