"""What a ledger says of requests for retraining."""

from __future__ import annotations

from typing import Any

from ratchet.decisions import requests
from ratchet.decisions.deliveries import DeliveryVerdict
from ratchet.partitions import days_between
from tests.given.entries import entry
from tests.given.facts import NIGHT


def test_a_persons_request_is_answered_once() -> None:
    asked = entry("asked", by="ada", reason="x")
    wanted = entry("requested", partition=NIGHT, evidence="request__v1__2013-02-10")
    judged = entry("rejected", run="request__v1__2013-02-10", day="2013-02-09", minutes=2.0)
    assert requests.facts([asked], NIGHT, 1)["asked"] == ["ada (x)"]
    after = requests.facts([asked, wanted], "2013-02-11", 1)
    assert (after["asked"], after["pending"]) == ([], ["request__v1__2013-02-10"])
    done = requests.facts([asked, wanted, judged], "2013-02-11", 1)
    assert (done["pending"], done["minutes"]) == ([], {"2013-02-10": 2.0})
    assert requests.facts([asked, wanted], "2013-02-13", 1)["pending"] == []  # lost: it absorbs no longer
    paused = [entry("paused", reason="y")]
    assert requests.facts(paused, NIGHT, 1)["paused"] == "y"
    assert requests.facts([*paused, entry("resumed", reason="")], NIGHT, 1)["paused"] == ""


def _delivery(status: Any, reason: str) -> DeliveryVerdict:
    return DeliveryVerdict(partition="", delivery="", status=status, reason=reason, tables={})


def test_bad_data_are_the_windows_refusals() -> None:
    verdicts = {
        "2013-02-01": _delivery("rejected", "too early"),
        "2013-02-05": _delivery("rejected", "x"),
        "2013-02-06": _delivery("accepted", "as expected"),
        "2013-02-07": _delivery("empty", "no rows"),
    }
    window = days_between("2013-02-04", NIGHT) + 1
    assert requests.bad_data(verdicts, NIGHT, window) == {"2013-02-05": "x"}  # a day of rest is no bad data
