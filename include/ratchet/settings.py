"""Say where things live. Every place can be moved by an environment variable."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Folders and addresses of one installation.

    `RATCHET_HOME` is the project's folder (default: the checkout that this file is part of, or else the folder that the
    process was started in), `RATCHET_VAR` the folder of all state (default `<home>/var`),
    `RATCHET_LOOPS` the folder of the loops, `RATCHET_SUITES` the Great Expectations folder, `RATCHET_REGISTRY` the data
    registry's worktree, `RATCHET_REMOTE` its DVC remote (a folder or any URL that DVC knows), `MLFLOW_TRACKING_URI` the
    MLflow server.
    """

    home: Path
    var: Path
    loops: Path
    suites: Path
    registry: Path
    remote: str
    tracking_uri: str

    @classmethod
    def current(cls) -> Settings:
        """Read the environment."""
        env = os.environ
        home = Path(env.get("RATCHET_HOME") or _checkout() or Path.cwd())
        var = Path(env.get("RATCHET_VAR", home / "var"))
        return cls(
            home=home,
            var=var,
            loops=Path(env.get("RATCHET_LOOPS", home / "include" / "loops")),
            suites=Path(env.get("RATCHET_SUITES", home / "great_expectations")),
            registry=Path(env.get("RATCHET_REGISTRY", var / "registry")),
            remote=env.get("RATCHET_REMOTE", str(var / "remote")),
            tracking_uri=env.get("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000"),
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


def _checkout() -> Path | None:
    """Return the checkout that this file is part of; None where it was installed from a wheel."""
    home = Path(__file__).resolve().parents[2]
    return home if (home / "pyproject.toml").is_file() else None
