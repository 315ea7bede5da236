"""What the guarded HTTP client refuses to call: every spelling of an inside host (A19, A20; CWE-918)."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest

from exchange.outbound import Outbound, OutboundFailed, OutboundRefused
from tests.attacks import attack
from tests.conformance.rules import rule
from tests.exchange.sites import always, reply, resolving, site

if TYPE_CHECKING:
    from collections.abc import Sequence


@rule(116, "RFC 8725bis", "3.10")
class TestARefusal:
    @attack("A19")
    @pytest.mark.parametrize(
        "url",
        [
            "file:///etc/passwd", "ftp://idp.example/", "gopher://idp.example/", "https:idp.example", "//idp.example/",
            "https://user@idp.example/", "https://user:pass@idp.example/", "https://idp.example/#fragment",
            "https://idp.example/a b", "https://idp.example\\@evil.example/", "https://idp.example/\r\nHost: evil",
            "https://bücher.example/", "https://idp.example:99999/", "https://idp.example:0/", "https://[::1%25lo]/",
            "https://\u212adp.example/", "", " https://idp.example/", "https://", "https:///path",
            "https://idp.example/" + "a" * 2048,
        ],
    )  # fmt: skip
    def test_meets_an_address_that_is_not_strictly_a_web_address(self, url: str) -> None:
        asked: list[str] = []

        def resolve(host: str, _port: int) -> Sequence[str]:
            asked.append(host)
            return ["8.8.8.8"]

        with pytest.raises(OutboundRefused):
            Outbound(resolve=resolve).get(url, source="s")
        assert asked == []

    @attack("A19")
    @pytest.mark.usefixtures("nothing_allowed")
    @pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "0x7f000001", "2130706433", "localhost", "0", "[::1]"])
    def test_meets_every_spelling_of_this_host(self, host: str) -> None:
        with site(always(reply({}))) as canary:
            with pytest.raises((OutboundRefused, OutboundFailed)) as caught:
                Outbound().get(f"http://{host}:{canary.port}/", source="s")
            assert isinstance(caught.value, OutboundRefused) or "not resolved" in str(caught.value)
        assert canary.connections == 0

    @attack("A19")
    @pytest.mark.usefixtures("nothing_allowed")
    @pytest.mark.parametrize(
        "address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "168.63.129.16", "64:ff9b::7f00:1", "::ffff:127.0.0.1",
                    "fd00:ec2::254", "2002:7f00:1::", "fe80::1", "100.64.0.1", "224.0.0.1", "::1", "fec0::1"]
    )  # fmt: skip
    def test_meets_a_name_that_leads_inside(self, address: str) -> None:
        with pytest.raises(OutboundRefused, match="leads to"):
            Outbound(resolve=resolving(address)).get("https://idp.example/jwks", source="s")

    @attack("A20")
    @pytest.mark.usefixtures("nothing_allowed")
    @pytest.mark.parametrize("addresses", [("8.8.8.8", "10.0.0.1"), ("10.0.0.1", "8.8.8.8"), ("8.8.8.8", "::1")])
    def test_meets_a_name_with_one_private_address_among_public_ones(self, addresses: tuple[str, ...]) -> None:
        with pytest.raises(OutboundRefused):
            Outbound(resolve=resolving(*addresses)).get("https://idp.example/jwks", source="s")

    @attack("A19")
    @pytest.mark.usefixtures("loopback_allowed")
    def test_meets_a_public_address_by_plain_http_or_at_another_port(self) -> None:
        http = Outbound(resolve=resolving("8.8.8.8"))
        for url, why in (("http://idp.example/", "https"), ("https://idp.example:22/", "443")):
            with pytest.raises(OutboundRefused, match=why):
                http.get(url, source="s")

    @pytest.mark.usefixtures("loopback_allowed")
    def test_meets_plain_http_where_only_one_of_the_addresses_is_vouched_for(self) -> None:
        with site(always(reply({}))) as idp, pytest.raises(OutboundRefused):
            Outbound(resolve=resolving("127.0.0.1", "8.8.8.8")).get(idp.url, source="s")
        assert idp.connections == 0

    @pytest.mark.usefixtures("nothing_allowed")
    def test_says_what_to_do_and_does_not_tell_the_address_or_the_path(self) -> None:
        with pytest.raises(OutboundRefused) as caught:
            Outbound(resolve=resolving("10.1.2.3")).get("https://idp.example/jwks?code=hidden", source="s")
        assert "HANDOVER_OUTBOUND_ALLOW" in str(caught.value)
        assert "hidden" not in str(caught.value)
        assert "10.1.2.3" not in str(caught.value)

    @attack("A20", "F17")
    def test_of_rebinding_resolves_once_and_connects_nowhere_else(self, settings: Any) -> None:
        """A20: the name is public when it is checked and leads to this host whenever it is asked again."""
        settings.HANDOVER = replace(settings.HANDOVER, outbound_allow=(ip_network("127.0.0.2/32"),))
        asked: list[str] = []

        def rebinding(host: str, _port: int) -> Sequence[str]:
            asked.append(host)
            return ["127.0.0.2"] if len(asked) == 1 else ["127.0.0.1"]

        with site(always(reply({}))) as canary, pytest.raises(OutboundFailed):
            Outbound(resolve=rebinding).get(f"http://idp.example:{canary.port}/", source="s")
        assert (asked, canary.connections) == (["idp.example"], 0)
