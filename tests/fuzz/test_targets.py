"""Every fuzz target for a short while; ``make fuzz`` runs each for an hour. A finding fails with its input."""

from __future__ import annotations

from importlib import import_module
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.fuzz.running import ROOT, TARGETS, Run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SECONDS = 30
LONG = ("verifier", "expressions")
CHANGES = 400
"""Of seeds, for the targets whose process takes longer to start than to find what a short while can."""


@pytest.mark.parametrize("target", LONG)
def test_a_short_campaign_finds_nothing(target: str, tmp_path: Path) -> None:
    run = Run.start(target, SECONDS, tmp_path / "found")
    assert run.finding() == ""


@pytest.mark.parametrize("target", [name for name in TARGETS if name not in LONG])
def test_changed_seeds_find_nothing(target: str) -> None:
    module = import_module(f"tests.fuzz.{target}")
    chance, seeds = Random(), module.seeds()
    for _ in range(CHANGES):
        data = changed(chance.choice(seeds), module.WORDS, chance)
        try:
            module.one(data)
        except BaseException as error:
            error.add_note(f"{target} was given {data!r}")
            raise


def changed(seed: bytes, words: Sequence[str], chance: Random) -> bytes:
    """The seed with a few pieces cut out, doubled, or replaced by chance or by a word of the target's dictionary."""
    data = bytearray(seed)
    for _ in range(chance.randint(1, 4)):
        start = chance.randint(0, len(data))
        end = min(len(data), start + chance.randint(0, 8))
        kept = bytes(data[start:end])
        data[start:end] = chance.choice(
            (b"", kept + kept, chance.randbytes(end - start), chance.choice(words).encode())
        )
    return bytes(data)


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
