"""The mutants of one module, made by mutmut in a copy of the project, so that nothing of it is left in the checkout."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from contextlib import chdir
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from mutmut.mutation.file_mutation import mutate_file_contents

from tests.mutation.judging import PLACE, SURVIVED

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT: Final = Path(__file__).resolve().parents[2]
COPIED: Final = ("policy", "audit", "partners", "exchange", "portal", "tests", "templates", "manage.py")
_NOT_COPIED: Final = ("__pycache__", "node_modules", "interop", "bench", "e2e")
_OUR_PLUGIN: Final = '"-p", "tests.services", '
"""Starts PostgreSQL and Redis, which these tests need not."""
_PLUGINS_UNUSED: Final = ("randomly", "xdist", "schemathesis", "anyio", "cacheprovider")
_MARK: Final = "__mutmut_"
_LEFT_OUT: Final = ("PYTEST", "HANDOVER", "DATABASE", "REDIS")
"""Beginnings of variables of the environment that would reach the tests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of a module's mutants; ``survivors`` by their names, each with the change that nobody noticed."""

    module: str
    killed: int
    survivors: dict[str, str]

    @property
    def score(self) -> float:
        """How many of a hundred mutants a test notices."""
        return 100 * self.killed / max(self.killed + len(self.survivors), 1)


def run(module: str, tests: Sequence[str], *, changes: Sequence[str] = ()) -> Result:
    """Mutate one module, judged by these tests: all of it, or the mutants with these ``changes`` in their text alone.

    Raises ``CalledProcessError``, and ``ValueError`` for a text that is not in exactly one mutant.
    """
    with TemporaryDirectory(prefix="handover-mutation-") as directory:
        place = Path(directory)
        _copy(place)
        made = _mutate(place, module)
        names = [_named(made, change) for change in changes] or list(made)
        states = _judge(place, module.removesuffix(".py").replace("/", "."), names, tests)
    survivors = {name: made[name] for name, state in states.items() if state == SURVIVED}
    return Result(module=module, killed=len(states) - len(survivors), survivors=survivors)


def _copy(place: Path) -> None:
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, place / name, ignore=shutil.ignore_patterns(*_NOT_COPIED))
        else:
            shutil.copy(source, place / name)
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8").replace(_OUR_PLUGIN, "")
    told = f"{settings}\n[tool.mutmut]\nsource_paths = {list(COPIED[:-1])}\n"
    (place / "pyproject.toml").write_text(told, encoding="utf-8")


def _mutate(place: Path, module: str) -> dict[str, str]:
    """Put the module with all its mutants in its place; what each changes, by its name."""
    with chdir(place):  # where mutmut finds its settings
        mutated = mutate_file_contents(module, Path(module).read_text(encoding="utf-8"))
        Path(module).write_text(mutated.code, encoding="utf-8")
    functions = {node.name: node for node in ast.walk(ast.parse(mutated.code)) if isinstance(node, ast.FunctionDef)}
    return {name: _difference(functions, name) for name in mutated.mutant_names}


def _difference(functions: dict[str, ast.FunctionDef], name: str) -> str:
    """The lines that a mutant changes, below its function's name."""
    original = name.rpartition(_MARK)[0]
    before, after = (
        ast.unparse(ast.Module(body=functions[spelled].body, type_ignores=[])).splitlines()
        for spelled in (f"{original}{_MARK}orig", name)
    )
    lines = [line for line in unified_diff(before, after, n=0, lineterm="") if not line.startswith(("---", "+++", "@"))]
    return "\n".join((name, *lines))


def _named(made: dict[str, str], change: str) -> str:
    """The mutant with this text in what it adds: its number would move with every edit."""
    names = [
        name
        for name, difference in made.items()
        if any(line.startswith("+") and change in line for line in difference.splitlines())
    ]
    if len(names) != 1:
        message = f"{change!r} is in {len(names)} mutants; give a text that is in exactly one"
        raise ValueError(message)
    return names[0]


def _judge(place: Path, module: str, names: Sequence[str], tests: Sequence[str]) -> dict[str, str]:
    """The state of each mutant, by its name."""
    told = place / "mutants.json"
    told.write_text(json.dumps([f"{module}.{name}" for name in names]), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_LEFT_OUT)}
    unused = [word for plugin in _PLUGINS_UNUSED for word in ("-p", f"no:{plugin}")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.mutation.judging", *unused, *tests],
        cwd=place,
        env=environment | {"DJANGO_SETTINGS_MODULE": "portal.settings.test", PLACE: str(told)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.stderr.write(done.stdout[-4000:] + done.stderr[-4000:])
        done.check_returncode()
    states: dict[str, str] = json.loads(told.read_text(encoding="utf-8"))
    return {name.rpartition(".")[2]: state for name, state in states.items()}
