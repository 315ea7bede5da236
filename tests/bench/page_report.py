"""The page of the pages' figures."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.page_figures import BUDGET, MOST_BYTES, MOST_QUERIES, MOST_SCRIPT
from tests.bench.tables import facts, table

if TYPE_CHECKING:
    from tests.bench.page_figures import Timing

METHOD = Path(__file__).with_name("pages.md")
LONGEST = 80
HEAD = ["page", "median ms", "p95 ms", "processor ms", "queries", "kB first visit", "kB scripts"]


def markdown(timings: list[Timing], sizes: dict[str, int], *, times: int) -> str:
    """The whole page, the slowest first."""
    over = [timing for timing in timings if timing.is_over]
    dear = [timing for timing in timings if timing.processor > BUDGET]
    told = {
        "Size": ", ".join(f"{count:,} {what}" for what, count in sizes.items()),
        "Machine": f"{os.cpu_count()} cores, on which {os.getloadavg()[1]:.1f} programs wanted to run",
        "Asked for": f"each page {times} times, one after the other",
        "Budgets": f"p95 {BUDGET:.0f} ms, {MOST_QUERIES} queries, {MOST_BYTES // 1000} kB for a first visit,"
        f" {MOST_SCRIPT // 1000} kB of it scripts",
        "Over a budget": _named(over) or f"none of {len(timings)} pages",
        f"Over {BUDGET:.0f} ms of processor time": _named(dear) or f"none of {len(timings)} pages",
    }
    rows = [_row(timing) for timing in sorted(timings, key=lambda timing: -timing.p95)]
    parts = ["# How long pages take", METHOD.read_text(encoding="utf-8"), facts(told), table(HEAD, rows)]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _named(timings: list[Timing]) -> str:
    return ", ".join(f"`{_shortened(timing.page.name)}`" for timing in timings)


def _shortened(name: str) -> str:
    return name if len(name) < LONGEST else f"{name[:LONGEST]}…"


def _row(timing: Timing) -> list[str]:
    return [
        _shortened(timing.page.name),
        f"{timing.middle:.1f}",
        f"{timing.p95:.1f}",
        f"{timing.processor:.1f}",
        str(timing.queries),
        f"{timing.weight.total / 1000:.0f}",
        f"{timing.weight.scripts / 1000:.0f}",
    ]
