"""A refresh token that comes again: its family ends, in turn and at once (A25; RFC 9700 section 4.14.2)."""

from __future__ import annotations

import secrets

from tests.attacks import attack
from tests.conformance.test_rfc7662 import ask
from tests.exchange.pair import at_once
from tests.exchange.test_interactive import Site, redeem, site  # noqa: F401 - a fixture


@attack("A25")
def test_a_refresh_token_rotates_and_its_reuse_ends_the_family(site: Site) -> None:  # noqa: F811
    verifier, auth = secrets.token_urlsafe(48), ("app-secret", "s" * 43)
    first = redeem(site, site.code("app-secret", verifier)["code"][0], verifier, auth=auth).json()
    second = site.server.post({"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}, auth=auth)
    assert second.status_code == 200, second.text
    reused = site.server.post({"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}, auth=auth)
    assert (reused.status_code, reused.json()["error"]) == (400, "invalid_grant")
    after = site.server.post(
        {"grant_type": "refresh_token", "refresh_token": second.json()["refresh_token"]}, auth=auth
    )
    assert (after.status_code, after.json()["error"]) == (400, "invalid_grant")


@attack("A25")
def test_a_refresh_token_used_by_many_at_once_serves_one_at_most_and_ends_the_family(site: Site) -> None:  # noqa: F811
    verifier, secret = secrets.token_urlsafe(48), "s" * 43
    first = redeem(site, site.code("app-secret", verifier)["code"][0], verifier, auth=("app-secret", secret)).json()
    port = int(site.server.url.rpartition(":")[2])
    form = {"grant_type": "refresh_token", "client_id": "app-secret", "client_secret": secret}
    replies = at_once([form | {"refresh_token": first["refresh_token"]}] * 8, [port])
    served = [reply.json for reply in replies if reply.status == 200]
    assert len(served) == 1
    assert [reply.json["error"] for reply in replies if reply.status != 200] == ["invalid_grant"] * 7
    for told in (first, *served):
        again = site.server.post(form | {"refresh_token": told["refresh_token"]})
        assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
        assert site.server.event(again)["reason"] == "grant.refused"
        asked = ask(site.server, told["access_token"], auth=("app-secret", secret)).json()
        assert asked == {"active": False}


@attack("A25")
def test_an_old_refresh_token_ends_the_family_though_the_new_one_is_used_at_the_same_time(site: Site) -> None:  # noqa: F811
    verifier, secret = secrets.token_urlsafe(48), "s" * 43
    first = redeem(site, site.code("app-secret", verifier)["code"][0], verifier, auth=("app-secret", secret)).json()
    form = {"grant_type": "refresh_token", "client_id": "app-secret", "client_secret": secret}
    second = site.server.post(form | {"refresh_token": first["refresh_token"]}).json()
    tokens = [second["refresh_token"], first["refresh_token"]] * 4
    replies = at_once([form | {"refresh_token": token} for token in tokens], [int(site.server.url.rpartition(":")[2])])
    served = [reply.json for reply in replies if reply.status == 200]
    assert len(served) <= 1
    assert {reply.json["error"] for reply in replies if reply.status != 200} == {"invalid_grant"}
    for told in (second, *served):
        assert site.server.post(form | {"refresh_token": told["refresh_token"]}).status_code == 400
        assert ask(site.server, told["access_token"], auth=("app-secret", secret)).json() == {"active": False}
