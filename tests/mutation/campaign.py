"""One run of mutmut over a copy of the project, so that nothing of it is left in the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT: Final = Path(__file__).resolve().parents[2]
COPIED: Final = ("policy", "audit", "partners", "exchange", "portal", "tests", "templates", "manage.py")
_OUR_PLUGIN: Final = '"-p", "tests.services", '
"""Starts PostgreSQL and Redis, which these tests need not."""
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


def run(module: str, tests: Sequence[str], *, mutants: Sequence[str] = ()) -> Result:
    """Mutate one module, all of it or these mutants alone, judged by these tests. Raises ``CalledProcessError``."""
    with TemporaryDirectory(prefix="handover-mutation-") as directory:
        place = Path(directory)
        _copy(place, module, tests)
        _mutmut(place, "run", "--max-children", "1", *mutants)
        states = _states(place, mutants)
        survivors = [
            name for name, state in states.items() if state not in {"killed", "timeout", "caught by type check"}
        ]
        shown = {name: _mutmut(place, "show", name) for name in survivors}
    return Result(module=module, killed=len(states) - len(survivors), survivors=shown)


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
    arguments = ["-p", "no:randomly", "-p", "no:xdist", "-q"]
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
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "HANDOVER"))}
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
