"""Every fuzz target for a short while; ``make fuzz`` runs them for an hour. A finding fails with its input."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from tests.fuzz.running import ROOT, TARGETS, Run

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = {"verifier": 30, "expressions": 30}
OTHERS = 2


@pytest.mark.parametrize("target", TARGETS)
def test_a_short_campaign_finds_nothing(target: str, tmp_path: Path) -> None:
    run = Run.start(target, SECONDS.get(target, OTHERS), tmp_path / "found")
    assert run.finding() == ""


@pytest.mark.parametrize("target", TARGETS)
def test_seeds_and_everything_found_before_are_taken(target: str) -> None:
    module = import_module(f"tests.fuzz.{target}")
    kept = sorted((ROOT / "tests" / "fuzz" / "corpus" / target).glob("*"))
    inputs = [*module.seeds(), *(path.read_bytes() for path in kept)]
    assert len(inputs) >= 4
    for data in inputs:
        module.one(data)


def test_a_finding_is_told_with_the_input_that_made_it(tmp_path: Path) -> None:
    """A planted fault: the child is told to look at a file that is no answer of the target."""
    broken = tmp_path / "broken"
    broken.write_bytes(b"x")
    run = Run.start("verifier", 1, tmp_path, "--again", str(tmp_path / "absent"))
    told = run.finding()
    assert "verifier ended with 1" in told
    assert "broken: b'x'" in told
