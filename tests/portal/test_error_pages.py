"""The pages that say no, in the frame and in words."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import SuspiciousOperation
from django.db import OperationalError
from django.test import Client
from redis.exceptions import ConnectionError as RedisConnectionError

from portal.views import errors, home


def test_an_unknown_address_is_answered_in_the_frame_of_who_asks(browser: Client) -> None:
    mine, stranger = browser.get("/nowhere"), Client().get("/nowhere")
    assert mine.status_code == stranger.status_code == 404
    assert "Nothing found here" in mine.content.decode()
    assert 'id="nav"' in mine.content.decode()
    assert 'id="nav"' not in stranger.content.decode()


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/partners/nobody", "No partner is called “nobody”"),
        ("/exchanges/c7e1-40a9", "“c7e1-40a9” is no reference"),
        ("/exchanges/0199e0c4-7c1e-7a40-a940-5b0e1f2391d2", "No event has the reference 0199e0c4"),
    ],
)
def test_a_page_that_knows_better_says_what_is_missing(browser: Client, address: str, words: str) -> None:
    answer = browser.get(address)
    assert answer.status_code == 404
    assert words in answer.content.decode()


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        (OperationalError("gone"), 503, "A store does not answer"),
        (RedisConnectionError("gone"), 503, "A store does not answer"),
        (ValueError("secret detail"), 500, "The page could not be made"),
        (SuspiciousOperation("secret detail"), 400, "The request could not be read"),
    ],
)
@pytest.mark.usefixtures("organisation")
def test_a_fault_is_told_without_its_details(
    browser: Client,
    monkeypatch: pytest.MonkeyPatch,
    fault: Exception,
    status: int,
    words: str,
) -> None:
    def fail(*_arguments: Any) -> Any:
        raise fault

    monkeypatch.setattr(home, "permissions_of", fail)
    browser.raise_request_exception = False
    answer = browser.get("/")
    page = answer.content.decode()
    assert answer.status_code == status
    assert words in page
    assert "secret detail" not in page
    assert "Traceback" not in page
    assert ("Retry-After" in answer.headers) is (status == 503)


def test_the_page_of_a_fault_needs_no_database() -> None:
    """Made while a fault is handled, when the database may be what failed: this test may not use it at all."""
    answer = errors.server_error(None)  # type: ignore[arg-type]  # it must not be looked at
    assert answer.status_code == 500
    assert "The page could not be made" in answer.content.decode()


@pytest.mark.django_db
def test_a_form_that_came_without_cookies_says_so() -> None:
    answer = Client(enforce_csrf_checks=True).post("/sign-out")
    assert answer.status_code == 403
    assert "Allow cookies" in answer.content.decode()


@pytest.mark.parametrize(
    "address", ["/partners?q=a%00b", "/search?q=a%00b", "/exchanges?client=%00", "/partners/kestrel/clients/a%00b/edit"]
)
@pytest.mark.usefixtures("organisation")
def test_an_address_that_nothing_can_match_is_said_to_be_unreadable(browser: Client, address: str) -> None:
    answer = browser.get(address)
    assert (answer.status_code, "The request could not be read" in answer.content.decode()) == (400, True)
    assert browser.get(address.replace("%00", "%2500")).status_code in {200, 404}
