"""Documents as people write them, for tests to vary."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from portal.documents.applying import Options, apply
from portal.documents.reading import Source, read_documents
from tests.partners.examples import ADMIN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from portal.documents.plan import Plan

TARGET = """\
version: 1
kind: Target
name: ledger-api
audience: https://ledger.meridian.example
scopes:
  ledger:read: {description: Read entries}
  ledger:write: {description: Post entries, risk: high}
"""
PARTNER = """\
version: 1
kind: Partner
name: kestrel
title: Kestrel Payments
state: active
default_target: ledger-api
"""
CLIENT = """\
version: 1
kind: Client
name: kestrel-settlement
partner: kestrel
methods: [client_secret_basic]
scopes: [ledger:read, ledger:write]
secrets: [{env: KESTREL_SECRET}]
"""
TRUST = """\
version: 1
kind: Trust
name: kestrel-idp
partner: kestrel
issuer: https://login.kestrel.example
rules:
  - {claim: tenant, operator: equals, value: kestrel}
"""
MAPPING = """\
version: 1
kind: Mapping
name: to-ledger
partner: kestrel
trust: kestrel-idp
target: ledger-api
clients: [kestrel-settlement]
grants:
  ledger: [ledger:read]
default_scopes: [ledger:read]
"""
EVERYTHING = f"{MAPPING}---\n{CLIENT}---\n{TRUST}---\n{TARGET}---\n{PARTNER}"
"""Each after what refers to it: order is free."""

ENVIRON = {"KESTREL_SECRET": "q3fXy0Zt7Rk1-uVbN5mWc9JhLd2PsAe8Gi4TzKoB6xY"}


def source(text: str, name: str = "acme.yaml", directory: Path = Path()) -> Source:
    return Source(name=name, text=text, directory=directory)


def applied(text: str, **options: bool) -> Plan:
    """Apply a text; a test of refusals expects the exception."""
    return applied_with(ENVIRON, text, **options)


def applied_with(environ: Mapping[str, str], text: str, **options: bool) -> Plan:
    """The same in another environment."""
    return apply(read_documents([source(text)], environ), ADMIN, Options(**options))
