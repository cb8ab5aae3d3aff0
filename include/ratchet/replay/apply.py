"""Write a policy into a contract: the change as a diff, and the file where that is asked for.

Comments and order stay as they are.
"""

from __future__ import annotations

import difflib
import io

from ruamel.yaml import YAML

from ratchet.contract.loop import Loop
from ratchet.replay import spec


def changed(loop: Loop, policy: str, gate: str) -> str:
    """Return the text of loop.yaml with a policy and a gate, as texts of `spec`."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    text = (loop.folder / "loop.yaml").read_text(encoding="utf-8")
    document = yaml.load(text)
    if policy != spec.OWN:
        rules = spec.policy(loop, policy)
        section = document.setdefault("retrain", {})
        section["policies"] = rules.policies
        for name, value in rules.model_dump(exclude={"policies"}).items():
            if value != getattr(loop.retrain, name):
                section[name] = value
    if gate != spec.OWN:
        section = document.setdefault("gate", {})
        for name, value in spec.gate(loop, gate).model_dump(mode="json").items():
            if value != loop.gate.model_dump(mode="json")[name]:
                section[name] = value
    stream = io.StringIO()
    yaml.dump(document, stream)
    return stream.getvalue()


def diff(loop: Loop, text: str) -> str:
    """Return the difference of a contract from what its file says."""
    path = loop.folder / "loop.yaml"
    before = path.read_text(encoding="utf-8")
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), text.splitlines(keepends=True), "loop.yaml", "loop.yaml, recommended"
    )
    return "".join(lines)
