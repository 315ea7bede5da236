"""One run of mutmut over a copy of the project, so that nothing of it is left in the checkout."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from mutmut.mutation.file_mutation import mutate_file_contents

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT: Final = Path(__file__).resolve().parents[2]
COPIED: Final = ("policy", "audit", "partners", "exchange", "portal", "tests", "templates", "manage.py")
_OUR_PLUGIN: Final = '"-p", "tests.services", '
"""Starts PostgreSQL and Redis, which these tests need not."""
_PLUGINS_UNUSED: Final = ("randomly", "xdist", "schemathesis", "anyio", "cacheprovider")
_LEFT_OUT: Final = ("PYTEST", "HANDOVER", "PYTHONDEVMODE", "PYTHONDONTWRITEBYTECODE")
"""Beginnings of variables of the environment that would reach the tests, or make each mutant compile them anew."""
_MUTMUT: Final = (sys.executable, "-m", "mutmut")


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
        _copy(place, module, tests)
        mutants = _named(place, module, changes)
        _mutmut(place, "run", "--max-children", "1", *mutants)
        states = _states(place, mutants)
        survivors = [
            name for name, state in states.items() if state not in {"killed", "timeout", "caught by type check"}
        ]
        shown = {name: _mutmut(place, "show", name) for name in survivors}
    return Result(module=module, killed=len(states) - len(survivors), survivors=shown)


def _named(place: Path, module: str, changes: Sequence[str]) -> list[str]:
    """The names of the mutants that are made by these changes: by their text, since numbers move with every edit."""
    if not changes:
        return []
    with chdir(place):  # where mutmut finds its settings
        mutated = mutate_file_contents(module, Path(module).read_text(encoding="utf-8")).code
    made = dict(_made(ast.parse(mutated)))
    found = []
    for change in changes:
        names = [name for name, lines in made.items() if any(change in line for line in lines)]
        if len(names) != 1:
            message = f"{change!r} is in {len(names)} mutants of {module}; give a text that is in exactly one"
            raise ValueError(message)
        found.append(f"{module.removesuffix('.py').replace('/', '.')}.{names[0]}")
    return found


def _made(mutated: ast.Module) -> Iterator[tuple[str, set[str]]]:
    """Each mutant's name, with the lines that its function has and the original has not."""
    functions = {node.name: node for node in ast.walk(mutated) if isinstance(node, ast.FunctionDef)}
    bodies = {name: ast.Module(body=function.body, type_ignores=[]) for name, function in functions.items()}
    lines = {name: set(ast.unparse(body).splitlines()) for name, body in bodies.items()}
    for name, written in lines.items():
        original, mark, number = name.rpartition("__mutmut_")
        if mark and number.isdigit():
            yield name, written - lines[f"{original}__mutmut_orig"]


def _copy(place: Path, module: str, tests: Sequence[str]) -> None:
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, place / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        else:
            shutil.copy(source, place / name)
    configuration = (ROOT / "pyproject.toml").read_text(encoding="utf-8").replace(_OUR_PLUGIN, "")
    package = module.partition("/")[0]
    others = [name for name in (*COPIED, "pyproject.toml") if name != package]
    arguments = ["-q", *(word for plugin in _PLUGINS_UNUSED for word in ("-p", f"no:{plugin}"))]
    told = {
        "source_paths": [package],
        "only_mutate": [module],
        "also_copy": others,
        "pytest_add_cli_args": arguments,
        "pytest_add_cli_args_test_selection": list(tests),
    }
    lines = "".join(f"{name} = {value!r}\n" for name, value in told.items())
    (place / "pyproject.toml").write_text(f"{configuration}\n[tool.mutmut]\n{lines}", encoding="utf-8")


def _mutmut(place: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_LEFT_OUT)}
    for store in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"):
        environment.pop(store, None)
    done = subprocess.run(
        [*_MUTMUT, *arguments],
        cwd=place,
        env=environment | {"DJANGO_SETTINGS_MODULE": "portal.settings.test"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.stderr.write(done.stdout[-4000:] + done.stderr[-4000:])
        done.check_returncode()
    return done.stdout


def _states(place: Path, mutants: Sequence[str]) -> dict[str, str]:
    lines = (line.strip() for line in _mutmut(place, "results", "--all", "true").splitlines())
    states = dict(line.rsplit(": ", 1) for line in lines if ": " in line)
    return {name: state for name, state in states.items() if not mutants or name in mutants}
