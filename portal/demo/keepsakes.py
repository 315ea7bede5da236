"""What the demo remembers between starts: its clients' secrets and key, its people's passwords. Files, mode 0600."""

from __future__ import annotations

import json
import os
from pathlib import Path
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Final

from django.conf import settings
from joserfc.jwk import ECKey

from portal.demo.identity_provider import write_private

if TYPE_CHECKING:
    from collections.abc import Iterable

SECRETS: Final = ("kestrel-settlement", "kestrel-console", "fjord-analytics", "meridian-gateway")
KEY_HOLDER: Final = "kestrel-batch"
KID: Final = "kestrel-batch-1"
SIGNERS: Final = (
    "tessera-login",
    "tessera-core",
    "tessera-service-desk",
    "bluepine-idp",
    "bluepine-warehouse",
    "bluepine-fleet",
    "alder-portal",
    "orbit-login",
    "orbit-bookings",
    "lumen-claims",
)
"""Issuers and clients that nobody plays: their public keys are registered, and the private ones exist nowhere."""


def directory() -> Path:
    """Where the demo keeps its files: below ``HANDOVER_VAR``, or ``var`` in the checkout."""
    return Path(os.environ.get("HANDOVER_VAR") or settings.BASE_DIR / "var") / "demo"


def make_credentials() -> bool:
    """The secrets and keys of those that have none yet. Whether there were any."""
    missing = [client for client in SECRETS if not _secret_file(client).exists()]
    for client in missing:
        write_private(_secret_file(client), token_urlsafe(32))
    unsigned = [signer for signer in SIGNERS if not _key_set_file(signer).exists()]
    for signer in unsigned:
        key = ECKey.generate_key("P-256", {"kid": f"{signer}-1", "use": "sig", "alg": "ES256"})
        write_private(_key_set_file(signer), json.dumps({"keys": [key.as_dict(private=False)]}))
    return _make_key() or bool(missing or unsigned)


def _make_key() -> bool:
    if key_file().exists():
        return False
    key = ECKey.generate_key("P-256", {"kid": KID, "use": "sig", "alg": "ES256"})
    write_private(_key_set_file(KEY_HOLDER), json.dumps({"keys": [key.as_dict(private=False)]}))
    write_private(key_file(), key.as_pem(private=True).decode())
    return True


def secret_of(client: str) -> str:
    """A client's secret. Raises ``FileNotFoundError`` before ``make_credentials``."""
    return _secret_file(client).read_text()


def key_file() -> Path:
    """The private key of the client that authenticates with one, as PEM."""
    return directory() / f"{KEY_HOLDER}.pem"


def make_passwords(emails: Iterable[str]) -> frozenset[str]:
    """A password for each person who has none yet; answers who that was."""
    known = _passwords()
    new = {email: token_urlsafe(12) for email in emails if email not in known}
    if new:
        write_private(_people_file(), json.dumps({**known, **new}))
    return frozenset(new)


def password_of(email: str) -> str:
    """A person's password. Raises ``KeyError`` before ``make_passwords``."""
    return _passwords()[email]


def _passwords() -> dict[str, str]:
    known: dict[str, str] = json.loads(_people_file().read_text()) if _people_file().exists() else {}
    return known


def _people_file() -> Path:
    return directory() / "people.json"


def _secret_file(client: str) -> Path:
    return directory() / f"{client}.secret"


def _key_set_file(signer: str) -> Path:
    return directory() / f"{signer}.jwks.json"
