"""Bodies that the description shows. A test sends each of them through the checks of what it declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    "GoldenTokenChange": {"name": "A settlement of a gold customer"},
}
