"""Bodies that the description shows. A test sends each of them through the checks of what it declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_TRY: Final[Mapping[str, Any]] = {
    "client": "osprey-booking",
    "audience": ["https://ledger.meridian.example"],
    "scope": ["ledger.read"],
    "subject_claims": {
        "iss": "https://login.osprey.example",
        "sub": "user-17",
        "aud": "https://handover.meridian.example",
        "iat": 1930000000,
        "exp": 1930000300,
        "tier": "gold",
    },
    "at": "2031-02-27T23:07:00Z",
}
EXAMPLES: Final[Mapping[str, dict[str, Any]]] = {
    "NewPartner": {
        "name": "osprey",
        "title": "Osprey Logistics",
        "contact_email": "it@osprey.example",
        "purpose": "Books shipments against our ledger.",
    },
    "PartnerChange": {"purpose": "Books and cancels shipments.", "contract_ends_on": "2031-12-31", "burst": None},
    "NewTrust": {
        "name": "osprey-login",
        "issuer": "https://login.osprey.example",
        "audiences": ["https://handover.meridian.example"],
        "rules": [{"claim": "tenant", "operator": "equals", "value": "osprey"}],
    },
    "TrustChange": {"lifetime": "10m", "one_time": True},
    "NewClient": {
        "name": "osprey-booking",
        "partner": "osprey",
        "methods": ["client_secret_basic"],
        "scopes": ["ledger.read"],
    },
    "ClientChange": {"title": "Booking service", "requests_per_minute": 600},
    "NewMapping": {
        "name": "bookings",
        "trust": "osprey-login",
        "target": "ledger",
        "grants": {"booking:write": ["ledger.read", "ledger.write"]},
        "rules": [{"claim": "tier", "operator": "one_of", "value": ["gold", "silver"]}],
    },
    "MappingChange": {"lifetime": "10m", "grants": {"booking:read": ["ledger.read"]}},
    "NewTarget": {
        "name": "ledger",
        "audience": "https://ledger.meridian.example",
        "title": "Ledger",
        "scopes": {"ledger.read": {"description": "Read entries.", "risk": "low"}},
    },
    "TargetChange": {"lifetime": "5m", "scopes": {"ledger.write": {"description": "Add entries.", "risk": "high"}}},
    "NewSecret": {"overlap": "24h"},
    "NewPerson": {"email": "mei@meridian.example", "name": "Mei Tanaka", "roles": ["Auditor"]},
    "RoleOfPerson": {"role": "Auditor"},
    "OtherAccount": {"email": "mei.admin@meridian.example"},
    "Try": {**_TRY},
    "TryAgain": {"as_if_active": True},
    "NewGoldenToken": {"name": "Gold may read", **_TRY},
    "Sample": {"token": "eyJhbGciOiJFUzI1NiJ9.eyJzY29wZSI6ImxlZGdlci5yZWFkIn0.c2lnbmF0dXJl", "target": "ledger"},
    "Span": {"days": 30},
    "OfPartner": {"partner": "osprey"},
    "NewOwnMapping": {
        "name": "nightly",
        "source": "client",
        "target": "ledger",
        "clients": ["inventory-sync"],
        "always": ["ledger.read"],
    },
    "OwnMappingChange": {"lifetime": "10m", "always": ["ledger.read", "ledger.write"]},
    "IntrospectionSecret": {"secret": "chosen-by-the-partner"},
    "ToExamine": {"issuer": "https://login.osprey.example"},
    "KeysToConfirm": {"jwks_uri": "https://login.osprey.example/keys"},
    "NewInvitation": {"email": "mei@osprey.example", "anew": True},
    "AnswerToProposal": {"answer": "Propose the issuer of your production, please."},
    "GoldenTokenChange": {"name": "A settlement of a gold customer"},
}
