"""`ratchet registry`: the data registry and its remotes."""

from __future__ import annotations

import click

from ratchet.adapters import keeping
from ratchet.lifecycle import dataset


@click.group()
def registry() -> None:
    """Bring the data registry back from its remotes, or to them."""


@registry.command("restore", short_help="Make the data registry, which is gone, from its remotes.")
def restore() -> None:
    """Make the data registry, which is gone, from its Git remote and its DVC remote alone.

    The remotes are the settings' (RATCHET_GIT_REMOTE, RATCHET_REMOTE). Where something is, nothing is touched.
    """
    keeping.restore(dataset.named(), click.echo)


@registry.command("push", short_help="Bring all that the data registry holds to its remotes.")
def push() -> None:
    """Bring all that the data registry holds to the remotes that the settings name, and go on with those.

    For a remote that is new (RATCHET_REMOTE or RATCHET_GIT_REMOTE was changed), or has lost something.
    """
    keeping.push(dataset.named(), click.echo)
