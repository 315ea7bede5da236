"""The session as Markdown: method, machine, tables, and the gates beside the figures."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench import figures
from tests.bench.stage import PROCESSES
from tests.bench.tables import facts, table
from tests.interop import node

if TYPE_CHECKING:
    from tests.bench.figures import Gate, Ratios
    from tests.bench.session import Session
    from tests.bench.stage import Stage

METHOD = Path(__file__).with_name("method.md")


def markdown(session: Session, *, generator: str, seconds: int) -> str:
    """The whole document."""
    found = figures.ratios(session)
    parts = [METHOD.read_text(encoding="utf-8"), "## The run", _circumstances(session, generator, seconds)]
    parts += ["## Figures", _figures(session), "## Ratios", _ratios(found), "## Gates", gates(found)]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def machine(stage: Stage, generator: str) -> dict[str, str]:
    """Where and with what a run was made."""
    ((postgres,),) = stage.database.execute("SHOW server_version").fetchall()
    return {
        "Date": f"{datetime.now(UTC):%Y-%m-%d}",
        "Machine": f"{PROCESSES} cores, {_processor()}, Linux {platform.release()}; generator, servers, stores on it",
        "Software": f"Python {platform.python_version()}, PostgreSQL {postgres}, generator: {generator}",
    }


def _circumstances(session: Session, generator: str, seconds: int) -> str:
    cells = [measured for cells in session.rounds for measured in cells.values()]
    answers, surplus = sum(cell.sent.answers for cell in cells), sum(cell.surplus for cell in cells)
    floor = ", ".join(f"{value:.0f} µs ({subject} subject token)" for subject, value in figures.floors(session).items())
    told = machine(session.stage, generator)
    if any(contender.key.startswith("oidc-provider") for contender in session.contenders):
        told["Software"] += f", {_node()}"
    told |= {
        "Rounds": f"{len(session.rounds)}, {seconds} s per cell, in turn; load average {os.getloadavg()[2]:.1f}",
        "Crypto floor": floor or "not measured",
        "Answers": f"{answers:,} counted, each with the status it should have, and with its row where it leaves one;"
        f" {surplus:,} more rows for requests in flight when a cell's time was over",
    }
    return facts(told)


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _node() -> str:
    version = subprocess.run([node.PROGRAM, "--version"], check=True, capture_output=True, text=True).stdout.strip()
    package = node.SCRIPTS / "node_modules" / "oidc-provider" / "package.json"
    return f"oidc-provider {json.loads(package.read_text(encoding='utf-8'))['version']} on Node.js {version}"


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
    return table(head, body)


def _ratios(found: Ratios) -> str:
    """A line per exchange and number of callers; a dash for what was not measured at this number."""
    names = [kind.name for kind in figures.KINDS]
    cells = sorted({(subject, connections) for subject, connections, _ in found}, key=lambda cell: (cell[1], cell[0]))
    body = [
        [f"{subject} subject token", str(connections)]
        + [
            f"{found[subject, connections, name]:.2f}" if (subject, connections, name) in found else "-"
            for name in names
        ]
        for subject, connections in cells
    ]
    return table(["our exchange", "callers", *names], body)


def gates(found: Ratios) -> str:
    """The gates, each about the exchange with one kind of subject token; the other's ratios stand above."""
    return table(
        ["our exchange", "subject token", "callers", "gate", "aim", "found", "verdict"],
        [_gate(gate, found) for gate in figures.GATES],
    )


def _gate(gate: Gate, found: Ratios) -> list[str]:
    value, verdict = gate.value(found), gate.verdict(found)
    bound = "at least" if gate.is_least else "at most"
    shown = "-" if value is None else f"{value:.2f}"
    said = f"**{verdict}**" if verdict == "missed" else verdict
    return [gate.kind, gate.subject, str(gate.connections), f"{bound} {gate.limit:g}", f"{gate.aim:g}", shown, said]
