"""`make simulate YEARS=100000`: live so many years, from the seed FIRST on, and say what broke."""

from __future__ import annotations

import sys
import time

from tests.simulation import search


def main() -> int:
    """Simulate; return 1 where an invariant was broken."""
    count, first = (int(word) for word in sys.argv[1:3])
    begun = time.perf_counter()
    found = search.years(count, first)
    seconds = time.perf_counter() - begun
    print(f"{found.nights:,} nights of {found.nights / search.YEAR:,.0f} years in {seconds:.0f} s")
    print(", ".join(f"{kind} {number:,}" for kind, number in found.entries.most_common()))
    if found.seed is None:
        print("every invariant holds")
        return 0
    print(found.told)
    return 1


if __name__ == "__main__":
    sys.exit(main())
