"""Factors that were wrong, and recovery codes that were used, in the audit trail: all that matters, and no flood."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import psycopg
import pytest
from allauth.core.context import request_context
from django.conf import settings as django_settings
from django.core.cache import cache
from django.db import OperationalError, connection
from django.test import Client, RequestFactory

from audit.models import Event
from portal.roles import Role
from portal.signing_in import failures
from portal.signing_in.failures import Purpose
from portal.signing_in.forms import ConfirmPasskeyForm
from tests.portal.organisation import PASSWORD, person
from tests.portal.test_account import EMAIL, code_of, codes_in, enrolled, let_time_pass, signed_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from portal.models import User

NO_PASSKEY = '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {}}'


@pytest.fixture(autouse=True)
def _no_counts_from_before() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def ada(db: None) -> User:  # noqa: ARG001 - asked for its transaction
    return person(Role.AUDITOR, EMAIL, "Ada")


def at_the_second_step() -> Client:
    client = Client()
    assert client.post("/sign-in", {"login": EMAIL, "password": PASSWORD})["Location"] == "/sign-in/second-step"
    return client


def told(kind: str) -> list[dict[str, Any]]:
    events = Event.objects.filter(kind=kind).order_by("id")
    return [orjson.loads(event.canonical)["data"] | {"actor": event.actor} for event in events]


def test_a_wrong_code_is_written_with_whose_it_was_and_never_with_the_code(ada: User) -> None:
    enrolled(signed_in())
    waiting = at_the_second_step()
    for code in ("000000", "1234 5678"):
        assert "This code is not right." in waiting.post("/sign-in/second-step", {"code": code}).content.decode()
    first, second = told("person.factor_failed")
    assert first["person"] == str(ada.pk)
    assert (first["factor"], first["purpose"], first["actor"]) == ("totp", "sign-in", "client:")
    assert (second["factor"], second["count"], second["address"]) == ("recovery_codes", 2, "127.0.0.1")
    assert "000000" not in str(first)
    assert not Event.objects.filter(kind="person.sign_in_failed").exists()


def test_a_code_that_was_used_before_is_a_wrong_one(ada: User) -> None:
    secret = enrolled(signed_in())
    code = code_of(secret, 1)
    assert at_the_second_step().post("/sign-in/second-step", {"code": code}).status_code == 302
    cache.delete(f"allauth.mfa.totp.used?user={ada.pk}&code={code}")
    assert at_the_second_step().post("/sign-in/second-step", {"code": code}).status_code == 200
    assert [event["factor"] for event in told("person.factor_failed")] == ["totp"]


@pytest.mark.usefixtures("ada")
def test_a_recovery_code_that_let_somebody_in_is_written_with_how_many_are_left() -> None:
    browser = signed_in()
    enrolled(browser)
    codes = codes_in(browser.get("/account/recovery-codes").content.decode())
    assert at_the_second_step().post("/sign-in/second-step", {"code": codes[0]}).status_code == 302
    assert at_the_second_step().post("/sign-in/second-step", {"code": codes[0]}).status_code == 200
    let_time_pass(browser)
    assert browser.post("/account/confirm/code", {"code": codes[1], "next": "/account/app/remove"}).status_code == 302
    used = told("person.recovery_code_used")
    assert [(event["left"], event["purpose"], event["actor"]) for event in used] == [
        (9, "sign-in", f"user:{EMAIL}"),
        (8, "confirm", f"user:{EMAIL}"),
    ]
    assert [event["factor"] for event in told("person.factor_failed")] == ["recovery_codes"]
    assert all(code not in event.canonical for event in Event.objects.all() for code in codes[:2])


@pytest.mark.usefixtures("committed_database")
def test_a_recovery_code_stays_good_when_its_use_cannot_be_written_down() -> None:
    person(Role.AUDITOR, EMAIL, "Ada")
    browser = signed_in()
    enrolled(browser)
    codes = codes_in(browser.get("/account/recovery-codes").content.decode())
    waiting = at_the_second_step()
    with psycopg.connect(django_settings.HANDOVER.database_owner_url) as owner:
        owner.execute("LOCK TABLE audit_event")
        connection.cursor().execute("SET statement_timeout = 100")
        with pytest.raises(OperationalError, match="timeout"):
            waiting.post("/sign-in/second-step", {"code": codes[0]})
    connection.cursor().execute("RESET statement_timeout")
    assert waiting.get("/overview").status_code == 302
    assert waiting.post("/sign-in/second-step", {"code": codes[0]}).status_code == 302


@pytest.mark.usefixtures("ada")
def test_a_wrong_code_of_somebody_who_is_signed_in_names_them_as_who_tried() -> None:
    browser = signed_in()
    enrolled(browser)
    let_time_pass(browser)
    browser.post("/account/confirm/code", {"code": "000000", "next": "/account"})
    (event,) = told("person.factor_failed")
    assert (event["purpose"], event["actor"]) == ("confirm", f"user:{EMAIL}")


def test_a_passkey_that_is_not_believed_is_written_too(ada: User) -> None:
    enrolled(signed_in())
    assert at_the_second_step().post("/sign-in/second-step", {"credential": NO_PASSKEY}).status_code == 200
    with request_context(RequestFactory().post("/account/confirm/passkey")):
        assert not ConfirmPasskeyForm(user=ada, data={"credential": NO_PASSKEY}).is_valid()
    assert [event["purpose"] for event in told("person.factor_failed")] == ["sign-in", "confirm"]
    assert {event["factor"] for event in told("person.factor_failed")} == {"webauthn"}


def test_whom_a_strangers_passkey_names_is_not_written(ada: User) -> None:
    assert Client().post("/sign-in/passkey", {"credential": NO_PASSKEY})["Location"] == "/sign-in"
    (event,) = told("person.sign_in_failed")
    assert (event["person"], event["address"], ada.email in str(event)) == (None, "127.0.0.1", False)


def test_whoever_guesses_codes_writes_few_events_and_passwords_do_not_hide_them(ada: User) -> None:
    cache.set("sign-in-failed", 10 * failures.OF_ALL, failures.WINDOW)
    for number in range(20):
        failures.note_factor(f"198.51.{number}.7", ada, "totp", Purpose.SIGN_IN)
    assert [event["count"] for event in told("person.factor_failed")] == [1, 2, 3, 4, 5, 10]
    cache.set("factor-failed", failures.OF_ALL - 2, failures.WINDOW)
    for number in range(4):
        another = person(Role.ENGINEER, f"p{number}@meridian.example")
        failures.note_factor("198.51.100.7", another, "totp", Purpose.SIGN_IN)
    assert [event["count_of_all"] for event in told("person.factor_failed")][6:] == [99, 100]


def test_without_a_count_nothing_is_written_and_nobody_notices(ada: User, settings: Any) -> None:
    dead = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}
    alive, settings.CACHES = settings.CACHES, {"default": dead}
    failures.note_factor("198.51.100.7", ada, "totp", Purpose.SIGN_IN)
    settings.CACHES = alive
    assert told("person.factor_failed") == []
