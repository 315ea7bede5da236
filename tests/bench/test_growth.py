"""``make scale`` in small: it measures every size, every answer right, and each cost beside that of the smallest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.bench import generator, growth
from tests.bench.stage import Stage
from tests.ports import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from tests.services import Services

SIZES = [(10, 0), (200, 0), (200, 20_000)]


@pytest.mark.usefixtures("committed_database")
def test_each_size_of_an_installation_is_measured_beside_the_smallest(services: Services) -> None:
    said: list[str] = []
    with Stage(services) as stage:
        growing = growth.Growing(
            stage=stage,
            issuer=f"http://127.0.0.1:{free_port()}",
            generator=generator.chosen()[1],
            seconds=1,
            rounds=1,
            warm_up=0,
            say=said.append,
        )
        steps = list(growing.steps([10, 200], 20_000))
        ((tokens,),) = growing.rows("SELECT count(*) FROM exchange_issuedtoken WHERE kid = 'key-of-the-time'")
        ((mappings,),) = growing.rows("SELECT count(*) FROM partners_scopemapping WHERE name LIKE 'mapping-%'")
    assert [(step.mappings, step.tokens) for step in steps] == SIZES
    assert (mappings, tokens) == (200, 20_000)
    assert all(getattr(step, cost) > 0 for step in steps for cost in growth.COSTS)
    assert set(steps[0].ratios(steps[0]).values()) == {1.0}
    page = growth.markdown(steps, {"Machine": "any"})
    assert [page.count(f"| {mappings} | {tokens:,} |") for mappings, tokens in SIZES] == [2, 2, 2]


def test_fewer_tokens_are_made_where_the_disk_has_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert growth.affordable(20_000, tmp_path) == 20_000
    monkeypatch.setattr(growth, "ROOM", 0)
    assert growth.affordable(10_000_000, tmp_path) == 10_000_000
    monkeypatch.setattr(growth, "ROOM", 2**80)
    assert growth.affordable(10_000_000, tmp_path) == 1_000_000
