"""Train tiny models, capture what they print, and check the numbers that whyloss reads back.

Usage: ``python -m benchmarks.logs``. Frameworks that are not installed are named and left out.
"""

from __future__ import annotations

import sys

from benchmarks.logs.frameworks import FRAMEWORKS, PRINTED_DIGITS
from benchmarks.logs.reading import compare, missing_package


def main() -> int:
    """Run every framework; give the number of those whose numbers did not come back."""
    failures = 0
    for name, (package, train) in FRAMEWORKS.items():
        if missing_package(package):
            print(f"{name}: left out, {package} is not installed")
            continue
        printed, expected = train()
        problems = compare(printed, expected, digits=PRINTED_DIGITS.get(name, 4))
        failures += bool(problems)
        print(f"{name}: {'; '.join(problems) or f'{len(expected)} columns read back'}")
    return failures


if __name__ == "__main__":
    sys.exit(main())
