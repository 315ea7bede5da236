"""What tests of outbound calls share: which networks may be reached, and a certificate authority."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from tests.exchange.sites import Authority, authority


@pytest.fixture
def loopback_allowed(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator vouches for loopback, in this process and in those it starts."""
    settings.HANDOVER = replace(settings.HANDOVER, outbound_allow=(ip_network("127.0.0.1/32"),))
    monkeypatch.setenv("HANDOVER_OUTBOUND_ALLOW", "127.0.0.1/32")


@pytest.fixture
def nothing_allowed(settings: Any) -> None:
    """The operator vouches for nothing: the default."""
    settings.HANDOVER = replace(settings.HANDOVER, outbound_allow=())


@pytest.fixture(scope="session")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate authority that nobody but the test trusts."""
    return authority(tmp_path_factory.mktemp("ca"))
