"""The rights of the API, written out by hand: what each address asks for, by method."""

from __future__ import annotations

ANYBODY = "whoever was let in"

_READ, _WRITE, _SETTINGS = "partners:read", "partners:write", "settings:write"
_PARTNER = "partners/<slug:partner>"
_PERSON = "people/<uuid:person>"
_ACTS = ("give-role", "take-role", "close", "open", "end-sessions", "send-link", "link", "unlink")

TABLE: dict[str, dict[str, str]] = {
    "openapi.json": {"GET": ANYBODY},
    "me": {"GET": ANYBODY},
    "partners": {"GET": _READ, "POST": _WRITE},
    _PARTNER: {"GET": _READ, "PATCH": _WRITE},
    **{f"{_PARTNER}/{act}": {"POST": _WRITE} for act in ("pass-test", "activate", "suspend", "reinstate", "offboard")},
    f"{_PARTNER}/trusts": {"GET": _READ, "POST": _WRITE},
    f"{_PARTNER}/trusts/<slug:trust>": {"GET": _READ, "PATCH": _WRITE},
    f"{_PARTNER}/trusts/<slug:trust>/withdraw": {"POST": _WRITE},
    f"{_PARTNER}/mappings": {"GET": _READ, "POST": _WRITE},
    f"{_PARTNER}/mappings/<slug:mapping>": {"GET": _READ},
    f"{_PARTNER}/mappings/<slug:mapping>/versions": {"GET": _READ},
    f"{_PARTNER}/mappings/<slug:mapping>/draft": {"GET": _READ, "PATCH": _WRITE, "DELETE": _WRITE},
    f"{_PARTNER}/mappings/<slug:mapping>/publish": {"POST": "mappings:publish"},
    f"{_PARTNER}/mappings/<slug:mapping>/withdraw": {"POST": "mappings:publish"},
    "clients": {"GET": _READ, "POST": _WRITE},
    "clients/<uuid:client>": {"GET": _READ, "PATCH": _WRITE},
    "clients/<uuid:client>/suspend": {"POST": _WRITE},
    "clients/<uuid:client>/reinstate": {"POST": _WRITE},
    "clients/<uuid:client>/secrets": {"POST": _WRITE},
    "clients/<uuid:client>/secrets/<int:slot>": {"DELETE": _WRITE},
    "targets": {"GET": _READ, "POST": _SETTINGS},
    "targets/<slug:target>": {"GET": _READ, "PATCH": _SETTINGS},
    "targets/<slug:target>/scopes/<scope:scope>": {"DELETE": _SETTINGS},
    "access": {"GET": _READ},
    "golden-tokens": {"GET": "exchanges:read"},
    "golden-tokens/<uuid:case>": {"GET": "exchanges:read", "PATCH": _WRITE, "DELETE": _WRITE},
    "golden-tokens/<uuid:case>/run": {"POST": "exchanges:read"},
    "people": {"GET": _SETTINGS, "POST": _SETTINGS},
    _PERSON: {"GET": _SETTINGS},
    **{f"{_PERSON}/{act}": {"POST": _SETTINGS} for act in _ACTS},
    f"{_PERSON}/consents": {"GET": _SETTINGS},
    f"{_PERSON}/consents/<uuid:client>": {"DELETE": _SETTINGS},
    "exchanges": {"GET": "exchanges:read"},
    "exchanges/<uuid:reference>": {"GET": "exchanges:read"},
}

OURS_ONLY = [
    ("PATCH", ""),
    ("POST", "/suspend"),
    ("POST", "/reinstate"),
    ("POST", "/secrets"),
    ("DELETE", "/secrets/1"),
]
"""The calls that for a client of our own take the permission to change settings."""
