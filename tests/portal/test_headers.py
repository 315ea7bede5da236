"""The headers of every page: what the browser may load, keep, and let others do (OWASP ASVS 3.4)."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.conformance.rules import rule

if TYPE_CHECKING:
    from django.test import Client

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}


@rule(155, "RFC 9700", "4.16")
@pytest.mark.parametrize("address", ["/sign-in", "/overview", "/partners", "/exchanges", "/account", "/nowhere"])
@pytest.mark.usefixtures("organisation")
def test_every_page_carries_the_whole_policy(browser: Client, address: str) -> None:
    headers = browser.get(address).headers
    directives = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert directives == POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "no-store" in headers["Cache-Control"]


@pytest.mark.usefixtures("organisation")
def test_a_list_and_its_part_are_never_taken_for_each_other(browser: Client) -> None:
    assert "HX-Request" in browser.get("/exchanges").headers["Vary"]


@pytest.mark.parametrize(
    ("issuer", "prefix"), [("https://sts.meridian.example", "__Host-"), ("http://127.0.0.1:8000", "")]
)
def test_over_https_cookies_never_travel_in_the_clear_and_belong_to_this_host_alone(issuer: str, prefix: str) -> None:
    program = (
        "from django.conf import settings as s;"
        "print(s.SESSION_COOKIE_NAME, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SECURE_HSTS_SECONDS > 0,"
        " *s.CSRF_TRUSTED_ORIGINS)"
    )
    env = {**os.environ, "HANDOVER_ISSUER": issuer, "DJANGO_SETTINGS_MODULE": "portal.settings.test"}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)
    is_secure = str(bool(prefix))
    assert done.stdout.split() == [f"{prefix}handover-session", is_secure, is_secure, is_secure, issuer]
