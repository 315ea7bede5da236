"""The parts of the page of figures, and how a run replaces its own and leaves the other's."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

GROWTH = "## How cost grows"
"""Begins what ``make scale`` writes; everything before it is the benchmark's."""


def table(head: list[str], body: list[list[str]]) -> str:
    """A table, figures to the right."""
    rule = ["---", *("---:" for _ in head[1:])]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *body))


def facts(told: dict[str, str]) -> str:
    """A list of what is so."""
    return "\n".join(f"- {name}: {fact}" for name, fact in told.items())


def write_figures(page: Path, text: str) -> None:
    """Write the benchmark's part."""
    before = page.read_text(encoding="utf-8") if page.exists() else ""
    _, heading, rest = before.partition(GROWTH)
    page.write_text(text + (f"\n{heading}{rest}" if heading else ""), encoding="utf-8")


def write_growth(page: Path, text: str) -> None:
    """Write the part of ``make scale``, which begins with its heading."""
    before = page.read_text(encoding="utf-8") if page.exists() else ""
    figures = before.partition(GROWTH)[0].rstrip("\n")
    page.write_text(f"{figures}\n\n{text}" if figures else text, encoding="utf-8")
