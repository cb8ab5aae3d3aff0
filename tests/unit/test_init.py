"""The package: found whole where a part of it stands before it on the path, as a stored model brings one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from ratchet.adapters import models
from tests.conftest import ROOT


def test_what_a_stored_model_brings_hides_nothing(tmp_path: Path) -> None:
    brought = models._code(tmp_path)
    code = (
        "import ratchet.training.model as model, ratchet.extensions as extensions, ratchet.cli as cli; "
        "print(model.__file__, cli.__file__, *extensions.built_in('policies'))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT / "include")])}
    done = subprocess.run([sys.executable, "-P", "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    model, cli, *policies = done.stdout.split()
    assert Path(model).is_relative_to(brought)
    assert Path(cli).is_relative_to(ROOT)
    assert "calendar" in policies
