"""The page that says in which rows a champion's loss has risen: a sentence, and the slices that explain it.

Made once a night that has alarmed, or has turned back, and kept with what the night has seen:
`<var>/reports/<loop>/<night>/explanation.html`, sentence and numbers beside it in `explanation.json`.
"""

from __future__ import annotations

import html
import json
import math
from collections.abc import Callable
from typing import Any

from ratchet.contract.loop import Loop
from ratchet.errors import explain
from ratchet.lifecycle import looks
from ratchet.monitoring import explanation
from ratchet.monitoring.explanation import Explanation, Interval, Slice
from ratchet.reports.page import page as html_page
from ratchet.reports.page import table
from ratchet.text import counted, one_line, signed

PAGE, NUMBERS = "explanation.html", "explanation.json"
LISTED = 40  # slices
_STANDS = {"worse": "got worse", "more": "its share changed", "": ""}
_HEAD = (
    "slice",
    "",
    "loss before",
    "now",
    "rise",
    "more than elsewhere",
    "rows before",
    "now",
    "adds by its loss",
    "adds by its share",
    "of the rise",
)
_NOTE = (
    "Brackets hold at 95 %: those of slices all together, however many were tried, that of the whole alone. A slice "
    "stands out where its loss is proved to have risen by more than that of all other rows (got worse), or where "
    "the change of its share of rows is proved to raise the mean (its share changed). What slices add by their "
    "losses and by their shares sums, over a column, to the rise of the whole; columns are taken one by one, so "
    "slices of different columns hold the same rows. Means are of days, each counts alike: few days show great "
    "changes only. The holdout was answered by the model that was judged, the latest days by what is deployed."
)


def of_night(loop: Loop, night: str, version: str, make: Callable[[], Explanation]) -> str:
    """Explain, once a night and version, and keep page and numbers; return the sentence.

    make: what explains. Whatever keeps it from that is said in the sentence: an explanation fails no night.
    """
    kept = _kept(loop, night)
    if kept.get("version") == version and there(loop, night):
        return str(kept["sentence"])
    try:
        found = make()
        sentence = one_line(words(found, loop.loss_words))
        looks.keep(loop, night, PAGE, page(loop, night, version, found))
        content = explanation.dump(found)
    except Exception as error:  # noqa: BLE001 (whatever it is, the night goes on)
        sentence, content = one_line(f"where it got worse cannot be said: {explain(error)}"), {}
    looks.forget(loop, night, NUMBERS)  # of a version that is champion no longer, or of a try that has failed
    looks.keep(loop, night, NUMBERS, json.dumps({"sentence": sentence, "version": version, **content}, indent=1))
    return sentence


def told(loop: Loop, night: str) -> str:
    """Return the sentence that was kept of a night; nothing where there is none."""
    return str(_kept(loop, night).get("sentence", ""))


def there(loop: Loop, night: str) -> bool:
    """Say whether there is a page."""
    return looks.read(loop, night, PAGE) is not None


def files(loop: Loop, night: str) -> dict[str, str]:
    """Return what was kept of a night's explanation: file name -> text."""
    return {name: text for name in (NUMBERS, PAGE) if (text := looks.read(loop, night, name))}


def _kept(loop: Loop, night: str) -> dict[str, Any]:
    return dict(json.loads(looks.read(loop, night, NUMBERS) or "{}"))


def page(loop: Loop, night: str, version: str, found: Explanation) -> str:
    """Return the page: the sentence first, then the slices that explain most."""
    before, after = found.losses
    listed = found.slices[:LISTED]
    latest, held = counted(found.days[1], "day"), counted(found.days[0], "day")
    said = (
        f"v{version} lost {_plain(after)} ({loop.loss_words}) in the mean of the latest {latest} with labels, and "
        f"{_plain(before)} on the {held} of its holdout: {bracket(found.rise)}"
    )
    left = (
        f"<p>{len(found.slices) - LISTED} more that explain less are left out.</p>"
        if len(found.slices) > LISTED
        else ""
    )
    body = [
        f"<p class='verdict reject'>{html.escape(_capital(words(found, loop.loss_words)))}.</p>",
        f"<p>{html.escape(said)}.</p>",
        table(_HEAD, [_row(found, each) for each in listed]),
        left,
        f"<p>{html.escape(_NOTE)}</p>",
    ]
    return html_page(f"{loop.name}: where it got worse, {night}", "".join(body))


def _row(found: Explanation, each: Slice) -> tuple[str, ...]:
    (before, after), rise = each.losses, found.rise.value
    return (
        each.name,
        _STANDS[each.stands_out],
        _plain(before),
        _plain(after),
        bracket(each.rise) if each.rise else "too few rows",
        bracket(each.beyond) if each.beyond else "–",
        f"{each.shares[0]:.1%}",
        f"{each.shares[1]:.1%}",
        number(each.rate),
        bracket(each.mix),
        f"{each.part / rise:.0%}" if rise > 0 else "–",
    )


def _plain(value: float | None) -> str:
    return "–" if value is None else f"{value:.{_digits(value)}f}"


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def words(found: Explanation, loss: str) -> str:
    """Say in one sentence where it got worse, or that nothing stands out. loss: what a person calls it."""
    tried, rise = len(found.slices), found.rise
    whole = f"{bracket(rise)} ({loss})"
    worse, more = found.standing("worse"), found.standing("more")
    said = [*(_worse(found, each) for each in worse[:1]), *(_more(found, each) for each in more[:1])]
    if said:
        left = len(worse) + len(more) - len(said)
        others = f"; {left} more of {tried} slices {'stands' if left == 1 else 'stand'} out" if left else ""
        return f"{'; '.join(said)}{others}; the whole: {whole}"
    days, nearest = counted(found.days[1], "day"), next((each for each in found.slices if each.rise), None)
    rose = nearest.rise if nearest and nearest.rise and nearest.rise.value > 0 else None
    near = f"; nearest to it, where {nearest.name}: {bracket(rose)}" if nearest and rose else ""
    if rise.low > 0:
        return f"no slice of {tried} stands out: as far as {days} show, it got worse everywhere alike, {whole}{near}"
    return f"no slice of {tried} stands out, and that the whole has risen is not proved by {days}: {whole}{near}"


def _worse(found: Explanation, first: Slice) -> str:
    assert first.rise is not None
    assert first.beyond is not None
    elsewhere = number(first.rise.value - first.beyond.value)
    return f"worst where {first.name}: {bracket(first.rise)}, {elsewhere} elsewhere{_share(found, first.rate)}"


def _more(found: Explanation, first: Slice) -> str:
    (before, after), losses = first.shares, [each for each in first.losses if each is not None]
    grown, high = after > before, sum(losses) / len(losses) > sum(found.losses) / 2
    return (
        f"{'more' if grown else 'fewer'} rows where {first.name} ({before:.0%} → {after:.0%}), whose loss is "
        f"{'higher' if high else 'lower'}{_share(found, first.mix.value)}"
    )


def _share(found: Explanation, part: float) -> str:
    """Say which share of the rise a part is; nothing where nothing has risen."""
    return f", {part / found.rise.value:.0%} of the rise" if found.rise.value > 0 else ""


def bracket(found: Interval) -> str:
    """Write an interval, its three numbers alike."""
    digits = _digits(found.value, found.low, found.high)
    return f"{_signed(found.value, digits)} [{_signed(found.low, digits)}, {_signed(found.high, digits)}]"


def number(value: float) -> str:
    """Write a change with its sign, in three digits."""
    return _signed(value, _digits(value))


def _signed(value: float, digits: int) -> str:
    return signed(value, digits) if digits else f"{value:+,.0f}"


def _digits(*values: float) -> int:
    """Return how many decimals show three digits of the largest, at most six; what is smaller is nothing."""
    largest = max(map(abs, values))
    return min(max(2 - math.floor(math.log10(largest)), 0), 6) if largest > 1e-6 else 2
