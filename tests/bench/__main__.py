"""The benchmark: ``python -m tests.bench``. ``make bench`` runs it.

It starts a durable PostgreSQL and a Redis of its own, measures, prints the report, and ends with 1 when a gate of the
report was measured and missed.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench.installation import installed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.bench.figures import Ratios
    from tests.bench.session import Session
    from tests.own_services import OwnServices


def main(arguments: Sequence[str]) -> int:
    """Run the command; answers its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--seconds", type=int, default=4, help="of each cell of a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 16, 64], help="numbers of callers at once")
    parser.add_argument(
        "--only", help="some contenders, with commas between: exchange,toolkit (a wrong word shows all)"
    )
    parser.add_argument("--write", type=Path, help="write the report to this file as well")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON instead")
    options = parser.parse_args(arguments)
    with installed() as (services, issuer):
        return _run(services, issuer, options, parser)


def _run(services: OwnServices, issuer: str, options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    from tests.bench import figures, generator, lineup, report, tables  # noqa: PLC0415 - Django is set up by now
    from tests.bench.session import Session  # noqa: PLC0415
    from tests.bench.stage import Stage  # noqa: PLC0415

    keys = set(options.only.split(",")) if options.only else set(lineup.KEYS)
    if not keys <= set(lineup.KEYS):
        parser.error(f"--only knows {', '.join(lineup.KEYS)}")
    with Stage(services) as stage:
        stage.wear_in()
        name, send = generator.chosen()
        session = Session(stage, lineup.line_up(stage, issuer, keys), send)
        concurrency = tuple(options.concurrency)
        session.warm_up(concurrency)
        for number in range(options.rounds):
            _say(f"Round {number + 1} of {options.rounds}")
            session.round(concurrency, options.seconds, _say)
        text = report.markdown(session, generator=name, seconds=options.seconds)
        if options.write:
            tables.write_figures(options.write, text)
        ratios = figures.ratios(session)
        sys.stdout.write(json.dumps(_shown(session, ratios)) if options.json else text)
    return int(any(gate.verdict(ratios) == "missed" for gate in figures.GATES))


def _shown(session: Session, ratios: Ratios) -> dict[str, Any]:
    from tests.bench import figures  # noqa: PLC0415

    return {
        "rows": [asdict(row) for row in figures.rows(session)],
        "ratios": [[*cell, value] for cell, value in ratios.items()],
        "gates": [asdict(gate) | {"verdict": gate.verdict(ratios)} for gate in figures.GATES],
        "floors": figures.floors(session),
    }


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
