"""Calls that are sent twice, and calls of who comes second: every one that the description has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from tests.api.attackers import written
from tests.api.described import with_field

if TYPE_CHECKING:
    from tests.api.attackers import Attacker


def test_no_call_that_is_sent_twice_under_one_key_has_two_effects(attacker: Attacker) -> None:
    effective = 0
    for number, (path, method, _, body) in enumerate(with_field("Idempotency-Key")):
        point, headers = transaction.savepoint(), {"if-match": "*", "idempotency-key": f"key-{number}"}
        first = attacker.caller.call(method, attacker.address(path), body, **headers)
        once = written()
        again = attacker.caller.call(method, attacker.address(path), body, **headers)
        assert (again.status_code, written()) == (first.status_code, once), (method, path, first.content)
        if first.status_code < 400:
            assert again["Idempotent-Replayed"] == "true"
            assert {**first.json(), "secret": None} == {**again.json(), "secret": None}
            effective += 1
        transaction.savepoint_rollback(point)
    assert effective > 30


def test_whoever_comes_second_reads_what_the_first_one_changed_and_changes_nothing(attacker: Attacker) -> None:
    must = [call for call in with_field("If-Match") if call[2].get("required")]
    for path, method, _, body in must:
        stale = attacker.caller.call(method, attacker.address(path), body, **{"if-match": '"old"'})
        assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed"), (method, path, stale.content)
        assert stale.json()["current"]
        careless = attacker.caller.call(method, attacker.address(path), body)
        assert careless.status_code == 428, (method, path)
    assert written() == attacker.before
    assert len(must) > 10
