"""The one file of this folder that Airflow's plugin loader executes; everything else is imported by its full name.

Where the distribution `ratchet-airflow` is installed, its entry point gives the plugin, and this file nothing: Airflow
3.3 takes the first of two plugins of one name, and shows the second as an import error in its UI.
"""

from __future__ import annotations

from importlib import metadata

if not any(point.name == "ratchet" for point in metadata.entry_points(group="airflow.plugins")):
    from ratchet_airflow.plugin import RatchetPlugin

    __all__ = ["RatchetPlugin"]
