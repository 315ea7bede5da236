"""Requests that came together take each stage together, and each keeps what is its own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from exchange import pipeline
from exchange.in_step import in_step, on_the_line
from tests.exchange.in_process import calling, organisation
from tests.load import claims_of

if TYPE_CHECKING:
    from collections.abc import Callable

STAGES = ("parse_grant", "present", "authenticate_client", "possess", "verify_actor", "mint")
PEOPLE = ("ada", "ben", "cleo")


def test_whoever_waits_gets_its_own_value_after_the_others_did_theirs() -> None:
    done: list[str] = []

    async def stages(name: str) -> object:
        values = []
        for stage in ("first", "second"):
            done.append(f"{stage} {name}")
            values.append(await in_step(f"{stage} of {name}"))
        return values

    async def together() -> list[object]:
        return list(await asyncio.gather(stages("a"), stages("b")))

    assert asyncio.run(together()) == [["first of a", "second of a"], ["first of b", "second of b"]]
    assert done == ["first a", "first b", "second a", "second b"]


def test_who_is_between_two_stages_is_on_the_line_until_it_goes_on_or_is_gone() -> None:
    async def count() -> list[int]:
        stays, goes = asyncio.create_task(in_step_once()), asyncio.create_task(in_step_once())
        counted = [on_the_line()]
        await asyncio.sleep(0)
        counted.append(on_the_line())
        goes.cancel()
        await asyncio.wait([stays, goes])
        return [*counted, on_the_line()]

    async def in_step_once() -> None:
        await in_step(None)

    assert asyncio.run(count()) == [0, 2, 0]


@pytest.mark.usefixtures("committed_database")
def test_three_exchanges_that_came_together_take_each_stage_of_the_line_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, taken = organisation(), list[str]()

    def noting(name: str, stage: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*arguments: Any, **options: Any) -> Any:
            taken.append(name)
            return stage(*arguments, **options)

        return noted

    for name in STAGES:
        monkeypatch.setattr(pipeline, name, noting(name, getattr(pipeline, name)))

    async def send() -> list[str]:
        async with calling(world) as caller:
            subjects = [world.idp.subject_token(world.issuer, sub=name) for name in PEOPLE]
            replies = await asyncio.gather(*(caller.post(caller.form(subject_token=token)) for token in subjects))
            return [reply.json["access_token"] for reply in replies]

    tokens = asyncio.run(send())
    assert taken == [name for name in STAGES for _ in tokens]
    assert [claims_of(token)["src"]["sub"] for token in tokens] == list(PEOPLE)
