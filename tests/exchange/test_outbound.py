"""The guarded HTTP client against real sockets: what it calls, what it refuses, and where it stops listening."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from exchange.breakers import FAILURES, PLACES
from exchange.outbound import Limits, Outbound, OutboundFailed, OutboundRefused, origin
from tests.attacks import attack
from tests.conformance.rules import rule
from tests.exchange.sites import always, not_found, reply, resolving, site, until

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.exchange.sites import Authority, Request

BRIEF = Limits(connect=0.4, total=0.6)
GENEROUS = 10.0
"""Far above any limit of a case: a call that takes longer was not bounded at all."""


def took(call: Callable[[], object]) -> float:
    started = time.monotonic()
    with pytest.raises(OutboundFailed):
        call()
    return time.monotonic() - started


@pytest.mark.usefixtures("loopback_allowed")
class TestAnAnswer:
    def test_comes_with_its_type_its_validator_and_its_freshness(self) -> None:
        answer = reply({"keys": []}, ETag='"v1"', Cache_Control="public, max-age=600")
        with site(always(answer)) as idp:
            fetched = Outbound().get(f"{idp.url}/jwks?tenant=1", source="s")
        assert fetched.body == b'{"keys": []}'
        assert (fetched.media_type, fetched.etag, fetched.max_age) == (
            "application/json",
            '"v1"',
            timedelta(minutes=10),
        )
        assert not fetched.is_unchanged
        assert idp.paths() == ["/jwks?tenant=1"]

    def test_is_asked_for_uncompressed_under_our_name_and_host(self) -> None:
        with site(always(reply({}))) as idp:
            Outbound().get(f"{idp.url}/", source="s")
        headers = idp.requests[0].headers
        assert headers["accept-encoding"] == "identity"
        assert headers["user-agent"].startswith("Handover/")
        assert headers["host"] == f"127.0.0.1:{idp.port}"

    def test_may_be_that_nothing_changed(self) -> None:
        def answer(request: Request) -> bytes:
            known = request.headers.get("if-none-match") == 'W/"v1"'
            return b"HTTP/1.1 304 Not Modified\r\n\r\n" if known else reply({})

        with site(answer) as idp:
            assert Outbound().get(idp.url, source="s", etag='W/"v1"').is_unchanged
            assert not Outbound().get(idp.url, source="s", etag='"v2"').is_unchanged

    def test_that_nothing_changed_is_a_failure_when_nobody_asked(self) -> None:
        with site(always(b"HTTP/1.1 304 Not Modified\r\n\r\n")) as idp, pytest.raises(OutboundFailed):
            Outbound().get(idp.url, source="s")

    def test_ignores_a_validator_that_could_split_the_request(self) -> None:
        with site(always(reply({}))) as idp:
            Outbound().get(idp.url, source="s", etag='"a"\r\nX-Evil: 1')
        assert "if-none-match" not in idp.requests[0].headers
        assert "x-evil" not in idp.requests[0].headers

    def test_is_not_fetched_through_a_proxy_of_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with site(always(reply({}))) as idp, site(always(reply({}))) as proxy:
            for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
                monkeypatch.setenv(name, proxy.url)
            Outbound().get(idp.url, source="s")
        assert (idp.connections, proxy.connections) == (1, 0)

    @attack("A21")
    @rule(116, "RFC 8725bis", "3.10")
    @pytest.mark.parametrize("target", ["/elsewhere", "http://127.0.0.1:{canary}/", "http://169.254.169.254/"])
    @pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
    def test_that_redirects_is_not_followed(self, status: str, target: str) -> None:
        with site(always(reply({}))) as canary:
            location = target.format(canary=canary.port)
            with site(always(reply(b"", status=status, Location=location))) as idp:
                with pytest.raises(OutboundFailed, match="redirect"):
                    Outbound().get(f"{idp.url}/jwks", source="s")
                assert idp.paths() == ["/jwks"]
        assert canary.connections == 0

    @pytest.mark.parametrize("status", ["404 Not Found", "500 Oops", "204 No Content", "206 Partial Content"])
    def test_with_another_status_is_a_failure_that_carries_it(self, status: str) -> None:
        with site(always(reply(b"", status=status))) as idp, pytest.raises(OutboundFailed) as caught:
            Outbound().get(idp.url, source="s")
        assert caught.value.status == int(status[:3])


@rule(116, "RFC 8725bis", "3.10")
@pytest.mark.usefixtures("loopback_allowed")
class TestALimit:
    def test_ends_a_body_that_is_too_large_with_and_without_a_stated_length(self) -> None:
        huge = b"x" * (256 * 1024 + 1)
        with site(always(reply(huge))) as idp, pytest.raises(OutboundFailed, match="256 KiB"):
            Outbound().get(idp.url, source="s")
        unstated = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + huge
        with site(always(unstated)) as idp, pytest.raises(OutboundFailed, match="256 KiB"):
            Outbound().get(idp.url, source="s")

    def test_lets_a_body_of_exactly_its_size_through(self) -> None:
        with site(always(reply(b"x" * 256 * 1024))) as idp:
            assert len(Outbound().get(idp.url, source="s").body) == 256 * 1024

    def test_ends_an_endless_body_before_it_is_read_whole(self) -> None:
        def answer(_request: Request) -> Any:
            yield b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
            while True:
                yield b"x" * 65536

        with site(answer) as idp, pytest.raises(OutboundFailed, match="256 KiB"):
            Outbound().get(idp.url, source="s")

    def test_ends_a_header_that_is_too_large(self) -> None:
        with site(always(reply({}, X_Filler="x" * 20_000))) as idp, pytest.raises(OutboundFailed, match="header"):
            Outbound().get(idp.url, source="s")
        with site(always(reply({}, X_Filler="x" * 400_000))) as idp, pytest.raises(OutboundFailed):
            Outbound().get(idp.url, source="s")

    def test_refuses_a_compressed_body(self) -> None:
        answer = reply(b"\x1f\x8b", Content_Encoding="gzip")
        with site(always(answer)) as idp, pytest.raises(OutboundFailed, match="compressed"):
            Outbound().get(idp.url, source="s")

    @attack("F13")
    @pytest.mark.parametrize("head", [b"", b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n\r\n"])
    def test_ends_a_server_that_drips(self, head: bytes) -> None:
        with site(lambda _: idp.drip(head)) as idp:
            assert took(lambda: Outbound(limits=BRIEF).get(idp.url, source="s")) < GENEROUS

    def test_ends_a_server_that_says_nothing(self) -> None:
        with site(lambda _: idp.silence()) as idp:
            assert took(lambda: Outbound(limits=BRIEF).get(idp.url, source="s")) < GENEROUS

    def test_ends_a_tls_handshake_that_drips(self) -> None:
        def stall(_host: str, _port: int) -> Sequence[str]:
            return ["127.0.0.1"]

        with site(lambda _: idp.drip(b"\x16\x03\x03")) as idp:  # a plain server: TLS gets nothing it understands
            call = Outbound(limits=BRIEF, resolve=stall)
            assert took(lambda: call.get(f"https://idp.example:{idp.port}/", source="s")) < GENEROUS

    @attack("F17")
    def test_ends_a_resolver_that_hangs(self) -> None:
        with site(always(reply({}))) as idp:

            def hang(_host: str, _port: int) -> Sequence[str]:
                idp.stopping.wait(GENEROUS * 2)
                return ["127.0.0.1"]

            assert took(lambda: Outbound(limits=BRIEF, resolve=hang).get(idp.url, source="s")) < GENEROUS
        assert idp.connections == 0

    def test_names_a_truncated_answer_a_failure(self) -> None:
        cut = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"
        with site(always(cut)) as idp, pytest.raises(OutboundFailed, match="broke off"):
            Outbound().get(idp.url, source="s")

    def test_lets_one_call_per_source_run_and_eight_in_all(self) -> None:
        released = Event()

        def answer(_request: Request) -> bytes:
            released.wait(GENEROUS)
            return reply({})

        patient, hurried = Outbound(limits=Limits(total=GENEROUS)), Limits(connect=0.1, total=0.1)
        with site(answer) as idp, ThreadPoolExecutor(PLACES) as pool:
            calls = [pool.submit(patient.get, idp.url, source=str(number)) for number in range(PLACES)]
            until(lambda: idp.connections == PLACES)
            for source, why in (("0", "same key source"), ("ninth", "under way")):
                with pytest.raises(OutboundFailed, match=why):
                    Outbound(limits=hurried, gate=patient.gate).get(idp.url, source=source)
            released.set()
            assert [call.result().body for call in calls] == [b"{}"] * PLACES
            assert idp.connections == PLACES


@pytest.mark.usefixtures("loopback_allowed")
def test_an_origin_that_keeps_failing_is_not_called_for_a_while() -> None:
    http = Outbound()
    with site(always(reply(b"", status="503 Busy"))) as idp:
        for _ in range(FAILURES + 3):
            with pytest.raises(OutboundFailed):
                http.get(idp.url, source="s")
        assert idp.connections == FAILURES


@pytest.mark.usefixtures("loopback_allowed")
def test_an_origin_that_answers_no_is_not_taken_for_a_failing_one() -> None:
    http = Outbound()
    with site(always(not_found())) as idp:
        for _ in range(FAILURES + 3):
            with pytest.raises(OutboundFailed):
                http.get(idp.url, source="s")
        assert idp.connections == FAILURES + 3


@pytest.mark.usefixtures("loopback_allowed")
class TestTls:
    def test_verifies_the_name_that_was_asked_for_and_sends_it(self, ca: Authority) -> None:
        http = Outbound(tls=ca.trusting(), resolve=resolving("127.0.0.1"))
        with site(always(reply({})), tls=ca.serving("idp.example")) as idp:
            http.get(f"https://idp.example:{idp.port}/", source="s")
            assert idp.requests[0].headers["host"] == f"idp.example:{idp.port}"
            with pytest.raises(OutboundFailed, match="certificate"):
                http.get(f"https://other.example:{idp.port}/", source="s")
        assert len(idp.requests) == 1

    def test_refuses_an_authority_nobody_trusts(self, ca: Authority) -> None:
        http = Outbound(resolve=resolving("127.0.0.1"))
        with (
            site(always(reply({})), tls=ca.serving("idp.example")) as idp,
            pytest.raises(OutboundFailed, match="certificate"),
        ):
            http.get(f"https://idp.example:{idp.port}/", source="s")
        assert idp.requests == []

    def test_tries_the_next_checked_address_when_one_refuses(self, ca: Authority, settings: Any) -> None:
        settings.HANDOVER = replace(settings.HANDOVER, outbound_allow=(ip_network("127.0.0.0/8"),))
        http = Outbound(tls=ca.trusting(), resolve=resolving("127.0.0.2", "127.0.0.1"))
        with site(always(reply({})), tls=ca.serving("idp.example")) as idp:
            assert http.get(f"https://idp.example:{idp.port}/", source="s").body == b"{}"


def test_the_origin_of_an_address_leaves_out_case_path_and_standard_port() -> None:
    assert origin("HTTPS://IdP.Example:443/a?b=c") == "https://idp.example"
    assert origin("http://idp.example:8080/") == "http://idp.example:8080"
    with pytest.raises(OutboundRefused):
        origin("https://user@idp.example/")
