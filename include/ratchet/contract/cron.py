"""Whether a cron and the zone that it is read in are such, as Airflow reads them."""

from __future__ import annotations

import datetime as dt
import difflib
import zoneinfo

FIELDS = "minute, hour, day of month, month, day of week, as 0 1 * * * (every night at one)"


def check(cron: str) -> str:
    """Return a cron that comes round. Raises ValueError with what is wrong."""
    from croniter import CroniterBadDateError, croniter

    if not cron.startswith("@") and len(cron.split()) != 5:  # croniter's sixth and seventh are no other cron's
        raise ValueError(f"{cron!r} is not a cron; it has five fields: {FIELDS}")
    try:
        croniter(cron, dt.datetime(2024, 1, 1, tzinfo=dt.UTC)).get_next(dt.datetime)
    except CroniterBadDateError:
        raise ValueError(f"the cron {cron!r} names a day that no calendar has; write one that comes round") from None
    except ValueError:
        raise ValueError(f"{cron!r} is not a cron; its fields are {FIELDS}") from None
    return cron


def check_zone(zone: str) -> str:
    """Return the name of a time zone. Raises ValueError with the nearest right spelling."""
    try:
        zoneinfo.ZoneInfo(zone)
    except (KeyError, ValueError, OSError):  # such as one outside the folder of zones, or that folder's own
        close = difflib.get_close_matches(zone, sorted(zoneinfo.available_timezones()), n=1, cutoff=0.5)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise ValueError(f"there is no time zone {zone!r}; {hint}Zones are named as UTC or Europe/Berlin") from None
    return zone
