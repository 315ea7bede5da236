"""How cost grows with the installation: ``python -m tests.bench.scale``. ``make scale`` runs it.

It asserts nothing: its figures are for whoever plans an installation, and for whoever changes how one is read.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.installation import installed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.own_services import OwnServices


def main(arguments: Sequence[str]) -> int:
    """Run the command; answers its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scale", description=__doc__)
    parser.add_argument(
        "--mappings", type=int, nargs="+", default=[10, 1_000, 50_000], help="sizes, the smallest first"
    )
    parser.add_argument("--tokens", type=int, default=10_000_000, help="in the tables, at the last of these sizes")
    parser.add_argument("--seconds", type=int, default=4, help="of each measurement under load")
    parser.add_argument("--rounds", type=int, default=3, help="of them, at each size")
    parser.add_argument("--write", type=Path, help="write the section to this page as well")
    options = parser.parse_args(arguments)
    with installed() as (services, issuer):
        _run(services, issuer, options)
    return 0


def _run(services: OwnServices, issuer: str, options: argparse.Namespace) -> None:
    from tests.bench import generator, growth, report, tables  # noqa: PLC0415 - Django is set up by now
    from tests.bench.stage import Stage  # noqa: PLC0415

    with Stage(services) as stage:
        name, send = generator.chosen()
        growing = growth.Growing(
            stage=stage, issuer=issuer, generator=send, seconds=options.seconds, rounds=options.rounds, say=_say
        )
        tokens = growth.affordable(options.tokens, services.postgres.places.data)
        steps = list(growing.steps(options.mappings, tokens))
        told = report.machine(stage, name)
        if tokens < options.tokens:
            told["Tokens"] = f"{tokens:,} instead of {options.tokens:,}: the disk has less than 20 GB free"
        text = growth.markdown(steps, told)
        if options.write:
            tables.write_growth(options.write, text)
        sys.stdout.write(text)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
