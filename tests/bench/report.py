"""The session as Markdown: method, machine, tables, and the gates beside the figures."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench import figures
from tests.bench.stage import PROCESSES

if TYPE_CHECKING:
    from tests.bench.figures import Ratios
    from tests.bench.session import Session

METHOD = Path(__file__).with_name("method.md")


def markdown(session: Session, *, generator: str, seconds: int) -> str:
    """The whole document."""
    parts = [METHOD.read_text(encoding="utf-8"), "## The run", _circumstances(session, generator, seconds)]
    parts += ["## Figures", _figures(session), "## Ratios and gates", _ratios(session)]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _circumstances(session: Session, generator: str, seconds: int) -> str:
    ((postgres,),) = session.stage.database.execute("SHOW server_version").fetchall()
    surplus = sum(measured.surplus for cells in session.rounds for measured in cells.values())
    answers = sum(measured.sent.answers for cells in session.rounds for measured in cells.values())
    floor = ", ".join(f"{value:.0f} µs ({subject} subject token)" for subject, value in figures.floors(session).items())
    facts = {
        "Date": f"{datetime.now(UTC):%Y-%m-%d}",
        "Machine": f"{PROCESSES} cores, {_processor()}, Linux {platform.release()}; generator, servers, stores on it",
        "Software": f"Python {platform.python_version()}, PostgreSQL {postgres}, generator: {generator}",
        "Rounds": f"{len(session.rounds)}, {seconds} s per cell, in turn; load average {os.getloadavg()[2]:.1f}",
        "Crypto floor": floor,
        "Answers": f"{answers:,} counted, all of them 200; {answers + surplus:,} rows"
        f" ({surplus} for requests in flight when a cell's time was over)",
    }
    return "\n".join(f"- {name}: {fact}" for name, fact in facts.items())


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _figures(session: Session) -> str:
    head = ["contender", "callers", "per second", "p50 ms", "p95 ms", "p99 ms"]
    head += ["CPU µs: server", "PostgreSQL", "Redis", "sum"]
    body = [
        [
            row.contender,
            str(row.connections),
            f"{row.rate:,.0f}",
            f"{row.p50:.2f}",
            f"{row.p95:.2f}",
            f"{row.p99:.2f}",
            f"{row.server:,.0f}",
            f"{row.postgres:,.0f}",
            f"{row.redis:,.0f}",
            f"{row.total:,.0f}",
        ]
        for row in figures.rows(session)
    ]
    return _table(head, body)


def _ratios(session: Session) -> str:
    head = ["exchange", "callers", "throughput / django-oauth-toolkit", "gate", "CPU / crypto floor", "gate"]
    return _table(head, [_ratio(ratios) for ratios in figures.ratios(session)])


def _ratio(ratios: Ratios) -> list[str]:
    fast = lean = ""
    if ratios.connections == figures.GATE_CONNECTIONS:
        fast = f"at least {figures.LEAST_THROUGHPUT:g}: {_verdict(ratios.is_fast)}"
        lean = f"at most {figures.MOST_PROCESSOR:g}: {_verdict(ratios.is_lean)}"
    throughput, processor = f"{ratios.throughput:.2f}", f"{ratios.processor:.2f}"
    return [ratios.contender, str(ratios.connections), throughput, fast, processor, lean]


def _verdict(is_met: bool) -> str:  # noqa: FBT001 - one flag, one word
    return "met" if is_met else "**missed**"


def _table(head: list[str], body: list[list[str]]) -> str:
    rule = ["---", *("---:" for _ in head[1:])]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *body))
