"""``python -m tests.mutation [MODULE ...]``: how many mutants of each module a test notices (``make mutation``)."""

from __future__ import annotations

import argparse
import sys

from tests.mutation.campaign import run
from tests.mutation.modules import LEAST_SCORE, MODULES


def main() -> int:
    """Run the campaign, one module after the other; the number of modules below the least score."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"of {', '.join(MODULES)}; all of them without")
    low = 0
    for module in parser.parse_args().modules or MODULES:
        result = run(module, MODULES[module])
        low += result.score < LEAST_SCORE
        sys.stdout.write(f"{module}: {result.killed} killed, {len(result.survivors)} not: {result.score:.1f} %\n")
        for change in result.survivors.values():
            sys.stdout.write(change + "\n")
        sys.stdout.flush()
    return low


if __name__ == "__main__":
    sys.exit(main())
