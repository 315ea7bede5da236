"""How long pages take at the size of years: ``python -m tests.bench.pages``. ``make pages`` runs it.

It exits with 1 where a page is over the budget.
"""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.installation import installed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SIZES = {"partners": 2000, "mappings": 50_000, "exchanges": 1_000_000, "events": 5_000_000}


def main(arguments: Sequence[str]) -> int:
    """Run the command; answers its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.pages", description=__doc__)
    for name, size in SIZES.items():
        parser.add_argument(f"--{name}", type=int, default=size, help=f"how many; {size:,} if left out")
    parser.add_argument("--times", type=int, default=40, help="that each page is asked for")
    parser.add_argument("--only", default="", help="pages whose address has this text")
    parser.add_argument("--write", type=Path, help="write the page of figures as well")
    parser.add_argument("--here", action="store_true", help="in the database of the environment, as it is")
    options = parser.parse_args(arguments)
    os.environ["HANDOVER_SECOND_FACTOR_ROLES"] = "none"  # signing in is not what is measured
    with _present() if options.here else installed():
        return _measure(options)


@contextmanager
def _present() -> Iterator[None]:
    import django  # noqa: PLC0415 - the environment comes first

    django.setup()
    yield


def _measure(options: argparse.Namespace) -> int:
    from tests.bench import page_figures, page_report  # noqa: PLC0415 - Django is set up by now

    if not options.here:
        page_figures.furnish(**{name: getattr(options, name) for name in SIZES})
    timings = page_figures.timings(times=options.times, only=options.only, say=sys.stderr.write)
    text = page_report.markdown(timings, page_figures.sizes(), times=options.times)
    if options.write:
        options.write.write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return 1 if any(timing.is_over for timing in timings) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
