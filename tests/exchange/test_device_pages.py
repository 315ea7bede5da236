"""The pages on which a person lets a device in: what they ask, what they warn of, and what they refuse (RFC 8628)."""

from __future__ import annotations

import base64
import hmac
import json
import re
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from exchange import devices, guesses
from exchange.models import DeviceGrant
from portal.config import Kek
from tests import static_files
from tests.conformance.rules import rule
from tests.exchange.devices import DEVICE_CODE, SECRET, Site, serving
from tests.exchange_server import ROOT
from tests.world import add_client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WRONG = "ZZZZ-ZZZZ"


@pytest.fixture(scope="module")
def site(services: Any, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server of its own, since it signs people in."""
    with serving(services, django_db_blocker, static_files.collected(tmp_path_factory)) as site:
        yield site


def test_only_somebody_signed_in_enters_a_code_and_the_code_is_kept_meanwhile(site: Site) -> None:
    address = urlsplit(site.codes()["verification_uri_complete"])
    answer = site.server.http.get(f"{address.path}?{address.query}")
    assert answer.status_code == 302
    assert answer.headers["location"].startswith("/sign-in?")
    assert parse_qs(urlsplit(answer.headers["location"]).query) == {"next": [f"{address.path}?{address.query}"]}


@rule(145, "RFC 8628", "5.4")
def test_a_code_in_the_address_is_filled_in_and_nothing_more(site: Site) -> None:
    codes = site.codes()
    with site.browser() as browser:
        page = browser.http.get(codes["verification_uri_complete"])
        assert page.status_code == 200
        assert f'value="{codes["user_code"]}"' in page.text
        assert "Continue only if your device or program shows this very code." in page.text
        assert "Kestrel terminal" not in page.text
        empty = browser.http.get("/oauth/device", params={"user_code": '"><script>alert(1)</script>'})
    assert (empty.status_code, "<script>alert" in empty.text) == (200, False)


@rule(152, "OWASP ASVS", "10.7.2")
@rule(145, "RFC 8628", "3.3")
def test_the_page_says_who_asks_for_what_from_where_and_warns_of_codes_that_others_sent(site: Site) -> None:
    codes = site.codes(scope="keys:read")
    with site.browser() as browser:
        page = browser.enter(codes["user_code"])
    for words in (
        "Allow Kestrel terminal to act for you?",
        "Kestrel</dd>",
        "127.0.0.1",
        "See signing keys",
        codes["user_code"],
        "Did somebody send you this code?",
        "You are signed in as",
    ):
        assert words in page.text, words
    policy = page.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "form-action 'self'" in policy
    assert "no-store" in page.headers["cache-control"]


@pytest.mark.parametrize(
    "change", [str.lower, lambda code: code.replace("-", ""), lambda code: f" {code[:6]} {code[6:]} "]
)
def test_case_hyphen_and_spaces_do_not_count(site: Site, change: Any) -> None:
    with site.browser() as browser:
        page = browser.enter(change(site.codes()["user_code"]))
    assert "Allow Kestrel terminal to act for you?" in page.text


@pytest.mark.parametrize(("decision", "words"), [("allow", "Access allowed"), ("refuse", "Access refused")])
def test_a_code_is_answered_once(site: Site, decision: str, words: str) -> None:
    codes = site.codes()
    with site.browser() as browser:
        page = browser.enter(codes["user_code"])
        asked_again = browser.submit(page, decision="perhaps")
        assert "Allow Kestrel terminal to act for you?" in asked_again.text
        done = browser.submit(page, decision=decision)
        assert words in done.text
        assert done.url.path == f"/oauth/device/{decision}{'ed' if decision == 'allow' else 'd'}"
        late = browser.submit(page, decision="allow")
    assert (late.status_code, "No device waits with this code" in late.text) == (422, True)


def test_a_form_without_our_token_is_not_accepted(site: Site) -> None:
    codes = site.codes()
    with site.browser() as browser:
        forged = browser.http.post("/oauth/device", data={"user_code": codes["user_code"], "decision": "allow"})
    assert forged.status_code == 403
    assert site.poll(codes).json()["error"] == "authorization_pending"


def test_a_client_that_was_suspended_meanwhile_is_not_let_in(site: Site) -> None:
    codes = site.codes(auth=("device-other", SECRET))
    site.server.rows("UPDATE partners_client SET state = 'suspended' WHERE client_id = 'device-other' RETURNING 1")
    with site.browser() as browser:
        page = browser.enter(codes["user_code"])
    site.server.rows("UPDATE partners_client SET state = 'active' WHERE client_id = 'device-other' RETURNING 1")
    assert page.status_code == 422


def test_wrong_codes_are_counted_by_account_and_right_ones_are_not(site: Site) -> None:
    with site.browser("gus@meridian.example") as browser:
        for _ in range(guesses.OF_ACCOUNT + 1):
            assert browser.enter(site.codes()["user_code"]).status_code == 200
        tried = [browser.enter(WRONG).status_code for _ in range(2 * guesses.OF_ACCOUNT + 1)]
        assert tried.count(422) in {guesses.OF_ACCOUNT, 2 * guesses.OF_ACCOUNT}  # a new window may begin meanwhile
        assert tried[-1] == 429
        right = browser.enter(site.codes()["user_code"])
    assert (right.status_code, "Too many codes were wrong" in right.text) == (429, True)


@pytest.fixture
def counted(services: Any, settings: Any) -> None:  # noqa: ARG001 - Redis is there
    """Nothing was counted yet."""
    from django.core.cache import cache  # noqa: PLC0415 - the settings in use

    cache.clear()


@pytest.mark.usefixtures("counted")
def test_wrong_codes_are_counted_by_address_whichever_account_enters_them() -> None:
    network = "2001:db8:0:7:"
    numbers = range(2 * guesses.OF_ADDRESS)
    passed = [bool(guesses.count(f"account-{number}", f"{network}:{number}")) for number in numbers]
    assert passed.count(True) in {guesses.OF_ADDRESS, 2 * guesses.OF_ADDRESS}  # a new window may begin meanwhile
    assert guesses.count("somebody", "2001:db8:0:8::1")


@pytest.mark.usefixtures("counted")
def test_a_right_code_is_given_back_to_the_minutes_in_which_it_was_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    end = guesses.WINDOW_SECONDS * 3_000_000 - 1
    monkeypatch.setattr(time, "time", lambda: end)
    for _ in range(guesses.OF_ACCOUNT + 1):
        counted = guesses.count("somebody", "2001:db8:0:9::1")
        assert len(counted) == 2
        monkeypatch.setattr(time, "time", lambda: end + 1)
        guesses.give_back(counted)
        monkeypatch.setattr(time, "time", lambda: end)


@pytest.mark.usefixtures("counted")
def test_a_count_that_redis_lost_meanwhile_is_no_fault_of_a_right_code() -> None:
    from django.core.cache import cache  # noqa: PLC0415 - the settings in use

    counted = guesses.count("somebody", "2001:db8:0:9::1")
    cache.clear()
    guesses.give_back(counted)


@pytest.fixture
def shown(db: None, settings: Any) -> str:  # noqa: ARG001 - its rows are rolled back
    """The code of a device that waits, of a client without a partner."""
    add_client(None, "terminal", client_type="public", authorization_grant_type=DEVICE_CODE, grant_types=[DEVICE_CODE])
    DeviceGrant.objects.create(
        device_code="d" * 64,
        user_code=hmac.digest(settings.HANDOVER.kek.derive("device-user-code"), b"WDJBMJHT", "sha256").hex(),
        client_id="terminal",
        scope="keys:read",
        expires=timezone.now() + devices.LIFETIME,
    )
    return "wdjb-mjht"


def test_of_two_answers_at_the_same_time_the_first_counts(shown: str) -> None:
    user = get_user_model().objects.create_user("mei@meridian.example", "a long password")
    found = devices.waiting(shown)
    assert found is not None
    assert (found.client, found.partner, found.scope) == ("terminal", "", ("keys:read",))
    assert devices.answer(found, user, is_allowed=False)
    assert not devices.answer(found, user, is_allowed=True)
    assert [grant.status for grant in DeviceGrant.objects.all()] == [DeviceGrant.DENIED]


def test_a_code_shown_before_the_key_was_replaced_is_still_found(shown: str, settings: Any) -> None:
    old = settings.HANDOVER.keks
    newer = Kek.from_text(base64.b64encode(bytes(32)).decode())
    settings.HANDOVER = replace(settings.HANDOVER, keks=(newer, *old))
    assert devices.waiting(shown) is not None
    settings.HANDOVER = replace(settings.HANDOVER, keks=(newer,))
    assert devices.waiting(shown) is None


def test_the_program_of_the_partners_guide_shows_a_code_and_gets_its_token(site: Site, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "partners.md").read_text(encoding="utf-8")
    (program,) = (
        part for part in re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE) if "user_code" in part
    )
    variables = {"HANDOVER": site.server.url, "CLIENT_ID": "device-public", "SCOPE": "partners:read"}
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env={"HOME": str(tmp_path), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as tool:
        assert tool.stderr is not None
        told = re.fullmatch(r"Open (\S+) and enter (\S{9})\n", tool.stderr.readline())
        assert told
        assert told[1] == f"{site.server.url}/oauth/device"
        site.decide({"user_code": told[2]})
        said, complaints = tool.communicate(timeout=60)
    assert tool.returncode == 0, complaints
    assert json.loads(said)["scope"] == "partners:read"
