"""The scopes of our own API, and what each lets a client do on behalf of the person who consents."""

from typing import Final

API_SCOPES: Final = {
    "partners:read": "See partners, their clients, trusts and mappings",
    "partners:write": "Register and change partners, clients and trusts",
    "mappings:publish": "Publish mappings",
    "exchanges:read": "See exchanges and why they were refused",
    "elevation:request": "Ask for an elevation in your name",
    "elevation:decide": "Decide elevation requests in your name",
    "elevation:read": "See elevations",
    "revoke": "Revoke tokens",
    "keys:read": "See signing keys",
    "keys:write": "Rotate signing keys",
    "audit:read": "Read the audit log",
    "audit:export": "Export the audit log",
    "settings:write": "Change settings",
}
