"""The project's own Python files and functions, measured from their syntax trees."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("policy", "audit", "partners", "exchange", "portal")


@dataclass(frozen=True, slots=True)
class Function:
    """One function, its place, and its length in lines without its docstring."""

    place: str
    length: int


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of ours but the migrations, by its path from the root."""
    paths = [ROOT / "manage.py", *(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))]
    kept = (path for path in paths if "migrations" not in path.parts)
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8")) for path in sorted(kept)}


@cache
def functions() -> tuple[Function, ...]:
    """Every function and method of ours."""
    return tuple(
        Function(f"{name}:{node.lineno} {node.name}", _length(node))
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    end = node.end_lineno or node.lineno
    length = end - node.lineno + 1
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        length -= (first.end_lineno or first.lineno) - first.lineno + 1
    return length


def percentile(values: list[int], share: float) -> int:
    """The smallest value that is not below the given share of them."""
    return sorted(values)[int(share * (len(values) - 1))]
