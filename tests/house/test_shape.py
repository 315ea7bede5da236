"""The shape budget: what the next reader can hold in the head."""

from __future__ import annotations

import ast
import re

from tests.house.sources import ROOT, functions, modules, percentile


def test_no_function_is_longer_than_forty_lines() -> None:
    assert [function for function in functions() if function.length > 40] == []


def test_most_functions_are_short() -> None:
    lengths = [function.length for function in functions()]
    assert percentile(lengths, 0.5) <= 7
    assert percentile(lengths, 0.9) <= 18


def test_no_file_is_longer_than_three_hundred_lines() -> None:
    long = {name: len((ROOT / name).read_text(encoding="utf-8").splitlines()) for name in modules()}
    assert {name: lines for name, lines in long.items() if lines > 300} == {}


def test_the_straight_line_fits_on_a_screen() -> None:
    assert len((ROOT / "exchange/pipeline.py").read_text(encoding="utf-8").splitlines()) <= 60


def test_every_module_says_what_it_is() -> None:
    assert [name for name, tree in modules().items() if not ast.get_docstring(tree)] == []


def test_every_module_of_the_exchange_cites_what_it_follows() -> None:
    cited = re.compile(r"RFC \d{4}|reliability|standards rule|elevation design")
    protocol = re.compile(r"RFC \d{4}")
    silent = [
        name
        for name, tree in modules().items()
        if (name.startswith("exchange/") or name == "policy/delegation.py") and not name.endswith("__init__.py")
        if not cited.search(source := (ROOT / name).read_text(encoding="utf-8")) or not protocol.search(source)
    ]
    assert silent == []


def test_public_functions_of_the_core_say_what_they_are() -> None:
    silent = [
        f"{name}:{node.lineno} {node.name}"
        for name, tree in modules().items()
        if name.startswith(("policy/", "exchange/"))
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
        and not _is_contract(node)
        and node.name not in _nested(tree) | _in_private_classes(tree)
    ]
    assert silent == []


def _is_contract(node: ast.AST) -> bool:
    """A protocol's member (its body is an ellipsis), Django's Meta, or a method that fulfils a contract."""
    if isinstance(node, ast.ClassDef):
        return node.name == "Meta"
    body = getattr(node, "body", [])
    return len(body) == 1 and isinstance(body[0], ast.Expr) and getattr(body[0].value, "value", None) is ...


def _nested(tree: ast.Module) -> set[str]:
    """Functions inside functions: their outer one speaks for them."""
    return {
        inner.name
        for outer in ast.walk(tree)
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(outer)
        if inner is not outer and isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def _in_private_classes(tree: ast.Module) -> set[str]:
    """Methods of a class that is its module's own affair."""
    return {
        method.name
        for owner in ast.walk(tree)
        if isinstance(owner, ast.ClassDef) and owner.name.startswith("_")
        for method in owner.body
        if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef)
    }
