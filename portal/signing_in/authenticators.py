"""Second factors: our choices where django-allauth offers several. Sealed secrets, and passkeys for our host."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, ClassVar, Final
from urllib.parse import urlsplit

import orjson
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from qrcode.image.svg import SvgPathFillImage  # type: ignore[import-untyped]
from qrcode.main import QRCode  # type: ignore[import-untyped]

from partners.sealed import Sealed, seal

if TYPE_CHECKING:
    from datetime import datetime

    from portal.models import User

BOUND: Final = "second-factor"
"""What the seal of a factor's secret is bound to: a partner's secret put in its place does not open."""


class AuthenticatorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """Secrets sealed with the key-encryption key; names and addresses from configuration, never from ``Host``."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": gettext_lazy(
            "This code is not right. A code of the app is good for 30 seconds and once, a recovery code once: enter the"
            " one shown now, or another recovery code."
        ),
        "cannot_generate_recovery_codes": gettext_lazy(
            "No codes were made: they stand in for a second factor, and this account has none. Add a passkey or an"
            " authenticator app, and codes come with it."
        ),
    }

    def encrypt(self, text: str) -> str:
        """The secret as it is stored."""
        sealed = seal(text, BOUND)
        parts = (sealed.kek_id, sealed.nonce.hex(), sealed.ciphertext.hex())
        return orjson.dumps(parts).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """The secret. Raises ``CannotOpen`` where the key is gone or the row was changed."""
        kek_id, nonce, ciphertext = orjson.loads(encrypted_text)
        sealed = Sealed(kek_id=kek_id, nonce=bytes.fromhex(nonce), ciphertext=bytes.fromhex(ciphertext))
        return sealed.open(BOUND)

    def get_totp_issuer(self) -> str:
        """What an authenticator app files the code under."""
        return f"Handover {settings.HANDOVER.environment}"

    def build_totp_svg(self, url: str) -> str:
        """The address as a picture, dark on light in either theme: cameras want it so."""
        code = QRCode(image_factory=SvgPathFillImage, border=3)
        code.add_data(url)
        return str(code.make_image().to_string(encoding="unicode"))

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Whom a passkey is for: our host (Web Authentication section 5.4.2)."""
        return {"id": host(), "name": self.get_totp_issuer()}

    def generate_authenticator_name(self, user: User, type: str) -> str:  # noqa: A002 - allauth's name
        """What a passkey is called that got no name."""
        number = Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1
        return _("Passkey %(number)d") % {"number": number}


def host() -> str:
    """The host people reach us by."""
    return urlsplit(settings.HANDOVER.issuer).hostname or ""


def allows_passkeys() -> bool:
    """Whether browsers make passkeys for our host: it must be a name, not an address (section 5.1.3)."""
    try:
        ip_address(host())
    except ValueError:
        return True
    return False


class Factors:
    """What a person can prove who they are by, beside a password; read in one query."""

    def __init__(self, user: User) -> None:
        found = list(Authenticator.objects.filter(user_id=user.pk).order_by("created_at"))
        self.passkeys = [entry for entry in found if entry.type == Authenticator.Type.WEBAUTHN]
        self.app = next((entry for entry in found if entry.type == Authenticator.Type.TOTP), None)
        self._codes = next((entry for entry in found if entry.type == Authenticator.Type.RECOVERY_CODES), None)

    @property
    def are_enough(self) -> bool:
        """Whether a second factor is asked for at sign-in. Recovery codes alone are none."""
        return bool(self.passkeys or self.app)

    @property
    def are_last(self) -> bool:
        """Whether taking one away leaves none."""
        return len(self.passkeys) + bool(self.app) == 1

    @property
    def codes_made_at(self) -> datetime | None:
        """When the recovery codes were made."""
        return self._codes.created_at if self._codes else None

    @property
    def codes_left(self) -> int:
        """How many recovery codes were not used yet."""
        return len(self._codes.wrap().get_unused_codes()) if self._codes else 0
