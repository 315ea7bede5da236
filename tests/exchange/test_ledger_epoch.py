"""A change that has been committed holds for every answer after it, in every process (performance.md decision 3)."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from audit.events import SYSTEM
from partners import services as partners
from partners.changes import changing
from tests import services as plugin
from tests import world as worlds
from tests.campaign import rounds
from tests.load import under_load

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.exchange.pair import Pair
    from tests.load import Load, Told

ROUNDS = rounds(12)
CALLERS = 4


class _Fjord:
    """A partner that is suspended and reinstated; its client sends a secret."""

    def __init__(self, pair: Pair) -> None:
        self._server = pair.server

    def form(self) -> dict[str, Any]:
        world = self._server.world
        token = world.other_idp.subject_token(world.issuer)
        client = {"client_id": "fjord-backend", "client_secret": world.secret}
        return self._server.form(subject_token=token) | client

    def body(self) -> bytes:
        return urlencode(self.form()).encode()

    def suspend(self) -> None:
        with changing(SYSTEM) as change:
            partners.suspend_partner(change, "fjord")

    def reinstate(self) -> None:
        with changing(SYSTEM) as change:
            partners.reinstate_partner(change, "fjord")

    def granted(self) -> int:
        """How many tokens its clients were ever granted."""
        query = "SELECT count(*) FROM audit_event WHERE kind = 'exchange.granted' AND client = 'fjord-backend'"
        ((count,),) = self._server.rows(query)
        return int(count)


@pytest.fixture
def fjord(pair: Pair, services: plugin.Services, django_db_blocker: Any) -> Iterator[_Fjord]:
    """The partner, with this process's Django pointed at the pair's database."""
    name = pair.server.dsn.partition("?")[0].rpartition("/")[2]
    with django_db_blocker.unblock(), plugin.database_in_use(services, name):
        yield _Fjord(pair)


def test_every_process_knows_of_a_change_at_its_next_request(pair: Pair, fjord: _Fjord) -> None:
    for _ in range(5):
        assert [reply.status for reply in pair.at_once([fjord.form(), fjord.form()])] == [200, 200]
        fjord.suspend()
        suspended = pair.at_once([fjord.form(), fjord.form()])
        fjord.reinstate()
        assert [(reply.status, reply.json["error"]) for reply in suspended] == [(401, "invalid_client")] * 2


def test_nothing_is_granted_once_a_suspension_has_returned(pair: Pair, fjord: _Fjord) -> None:
    one, other = pair.ports
    closed: list[tuple[float, float]] = []
    with under_load(one, fjord.body, CALLERS) as here, under_load(other, fjord.body, CALLERS) as there:
        loads = (here, there)
        for _ in range(ROUNDS):
            _await_more(loads, 200)
            fjord.suspend()
            returned, granted = time.monotonic(), fjord.granted()
            _await_more(loads, 401)
            assert fjord.granted() == granted
            closed.append((returned, time.monotonic()))
            fjord.reinstate()
    told = here.told + there.told
    assert {answer.status for answer in told} == {200, 401}
    assert not [answer for answer in told if answer.status == 200 and _is_within(answer, closed)]


def _await_more(loads: Sequence[Load], status: int) -> None:
    """Wait until more answers of this status came from every process than it has callers."""
    for load in loads:
        already = load.count(status)
        load.until(partial(_has_more, load, status, already + CALLERS), f"more answers of {status}")


def _has_more(load: Load, status: int, than: int) -> bool:
    return load.count(status) > than


def _is_within(answer: Told, periods: list[tuple[float, float]]) -> bool:
    """Whether it was asked after a suspension had returned, and given before the partner was reinstated."""
    return any(start < answer.began and answer.ended < end for start, end in periods)


def test_a_new_scope_ceiling_holds_for_the_next_token_in_every_process(pair: Pair, fjord: _Fjord) -> None:
    target = "reports"
    form = fjord.form() | {"audience": worlds.REPORTS}
    before = pair.at_once([form, form])

    with changing(SYSTEM) as change:
        _publish(change, target)
    after = pair.at_once([form, form])

    assert [reply.json.get("error") for reply in before] == ["invalid_target"] * 2
    assert [reply.json["scope"] for reply in after] == ["reports.read"] * 2


def _publish(change: Any, target: str) -> None:
    """Map the partner to one more target, as the test organisation's builder does it."""
    from partners import models  # noqa: PLC0415 - Django is set up by now

    partner = models.Partner.objects.get(slug="fjord")
    change.touch(partner.id)
    worlds.add_mapping(
        partner.trusts.get(),
        models.Target.objects.get(name=target),
        "fjord-reports",
        allows_impersonation=True,
        grants={"reports:read": ["reports.read"]},
        always=[],
        default_scopes=["reports.read"],
    )
