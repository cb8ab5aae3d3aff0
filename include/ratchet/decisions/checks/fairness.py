"""Groups of people are treated alike, up to the bounds of the contract.

Groups of enough rows are compared by the difference of their rates. Of smaller ones a difference says as much of chance
as of the model, so they are judged by what it is at least. What cannot be judged is told, and forbids unless the
contract says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ratchet.contract.rules import Fairness, Gate
from ratchet.decisions.checks.check import Check, within

LEVEL = 0.05  # probability that any interval of a column misses its rate
LISTED = 5  # groups that a sentence names
# What is compared -> the rates: (rows among which the model says yes, rows).
RATES = {
    "demographic_parity": (("predicted", "rows"),),
    "equalized_odds": (("true_positive", "positive"), ("false_positive", "negative")),
}

Groups = Mapping[str, Mapping[str, int]]  # level -> its rows of each kind


def judge(gate: Gate, found: Mapping[str, Any]) -> list[Check]:
    """Check the differences between the most and the least favoured level of each column."""
    listed, rule = list[Check](), gate.fairness
    for column, measured in found["fairness"].items() if rule else ():
        for name in RATES:
            if rule and (bound := getattr(rule, name)) is not None:
                listed += fairness(rule, column, name, measured, bound)
    return listed


def fairness(rule: Fairness, column: str, name: str, measured: Mapping[str, Any], bound: float) -> list[Check]:
    """Check one column by one measure. measured: the difference over groups of enough rows, and the counts of all."""
    groups = measured.get("groups")
    if groups is None:  # an evaluation of before they were kept
        return [within(f"{name} over {column}", measured[name], high=bound)]
    listed = list(_undefined(rule, column, name, groups, bound))
    if measured[name] is not None:
        listed.append(within(f"{name} over {column}", measured[name], high=bound))
    small = {level: each for level, each in groups.items() if each["rows"] < rule.rows}
    if small and len(groups) > 1 and (judged := _intervals(name, groups, small)) is not None:
        low, high = judged
        passed = low <= bound
        told = f"{name} over {column}, small groups, is between {low:.4f} and {high:.4f} ({_rows(small)})"
        said = told if passed else f"{told}, all of it above its ceiling {bound:g}"
        listed.append(Check(f"{name} over {column}, small groups", passed, said, low, None, bound))
    return listed


def interval(successes: int, trials: int, level: float) -> tuple[float, float]:
    """Return the exact confidence interval of a rate, both sides together at `level` (Clopper & Pearson 1934)."""
    from scipy.stats import beta

    low = float(beta.ppf(level / 2, successes, trials - successes + 1)) if successes else 0.0
    high = float(beta.ppf(1 - level / 2, successes + 1, trials - successes)) if successes < trials else 1.0
    return low, high


def _undefined(rule: Fairness, column: str, name: str, groups: Groups, bound: float) -> Iterator[Check]:
    """Yield a check that says why a column has no difference, or not of all its groups."""
    tell, why = rule.undefined == "tell", ""
    if len(groups) < 2:
        why = f"there is no second group beside {_rows(groups)}" if groups else "there is no group with rows"
    elif name == "equalized_odds":
        lacking = {level: counts for level, counts in groups.items() for _, of in RATES[name] if not _count(counts, of)}
        told = (f"{level} ({each['positive']:,} of {each['rows']:,} rows positive)" for level, each in lacking.items())
        why = f"positive or negative rows are lacking: {_some([*told])}" if lacking else ""
    if why:
        yield Check(
            f"{name} over {column}, undefined",
            tell,
            f"{name} over {column} is undefined: {why}",
            None,
            None,
            bound,
            told=tell,
        )


def _intervals(name: str, groups: Groups, small: Groups) -> tuple[float, float] | None:
    """Return what the largest difference between a small group and another is at least, and at most.

    From intervals of all rates of the column that hold together (Bonferroni). None where no small group has a rate.
    """
    found, rates = list[tuple[float, float]](), RATES[name]
    level = LEVEL / (len(groups) * len(rates))
    for successes, of in rates:
        every = {
            each: interval(counts[successes], _count(counts, of), level)
            for each, counts in groups.items()
            if _count(counts, of)
        }
        for one in small:
            if one in every and len(every) > 1:
                others, (low, high) = [every[each] for each in every if each != one], every[one]
                least = max(low - min(top for _, top in others), max(bottom for bottom, _ in others) - high, 0.0)
                found.append(
                    (least, max(high - min(bottom for bottom, _ in others), max(top for _, top in others) - low))
                )
    return (max(low for low, _ in found), max(high for _, high in found)) if found else None


def _count(counts: Mapping[str, int], of: str) -> int:
    return counts["rows"] - counts["positive"] if of == "negative" else counts[of]


def _rows(groups: Groups) -> str:
    return _some([f"{level} of {counts['rows']:,} rows" for level, counts in groups.items()])


def _some(told: Sequence[str]) -> str:
    """List no more than a sentence holds."""
    more = f" and {len(told) - LISTED:,} more" if len(told) > LISTED else ""
    return f"{', '.join(told[:LISTED])}{more}"
