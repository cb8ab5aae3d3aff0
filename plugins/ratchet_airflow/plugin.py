"""What Airflow is shown of Ratchet: pages, links, an entry of its menu, the timetable of ingestions."""

from __future__ import annotations

from typing import ClassVar

from airflow.plugins_manager import AirflowPlugin

from ratchet_airflow import links, pages
from ratchet_airflow.timetable import NightTimetable


class RatchetPlugin(AirflowPlugin):
    """Ratchet's pages in the UI, and the links from its tasks."""

    name = "ratchet"
    fastapi_apps: ClassVar = [{"app": pages.app, "url_prefix": links.PAGES, "name": "Ratchet"}]
    external_views: ClassVar = [
        {
            "name": "Ratchet",
            "href": f"{links.PAGES}/",
            "url_route": "ratchet",
            "destination": "nav",
            "category": "browse",
        },
    ]
    operator_extra_links: ClassVar = list(links.ALL)
    timetables: ClassVar = [NightTimetable]
