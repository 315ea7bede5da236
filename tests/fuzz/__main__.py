"""``python -m tests.fuzz``: every target at once, each in a child process, for as long as one likes (``make fuzz``).

What was learnt is kept under ``var/fuzz``: a later campaign begins where this one ended.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack

from tests.fuzz.running import ROOT, TARGETS, Run

KEPT = ROOT / "var" / "fuzz"


def main() -> int:
    """Run the campaign; the number of targets that found something."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="target", help=f"of {', '.join(TARGETS)}; all of them without")
    parser.add_argument("--seconds", type=int, default=3600)
    options = parser.parse_args()
    findings = 0
    with ExitStack() as ends:
        runs = []
        for target in options.targets or TARGETS:
            corpus = KEPT / target / "corpus"
            runs.append(Run.start(target, options.seconds, KEPT / target / "found", "--corpus", str(corpus)))
            ends.callback(runs[-1].stop)
        for run in runs:
            finding = run.finding()
            findings += bool(finding)
            sys.stdout.write(finding or f"{run.target}: nothing found in {run.seconds} seconds")
            sys.stdout.write("\n")
    return findings


if __name__ == "__main__":
    sys.exit(main())
