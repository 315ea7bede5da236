"""Keys that people paste into forms: key sets and certificates, and which of the present keys stay beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from partners.standing import keys_by_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from django import forms

_KINDS: Final[tuple[type[RSAKey | ECKey | OKPKey], ...]] = (RSAKey, ECKey, OKPKey)


def key_set_of(pasted: str) -> Any:  # noqa: ANN401 - any JSON
    """The document in a pasted text, None where nothing was pasted. Raises ``ValidationError``, without the text."""
    if not pasted.strip():
        return None
    try:
        return orjson.loads(pasted)
    except orjson.JSONDecodeError as error:
        words = _("The keys are not readable as JSON. Paste the whole key set, from the first brace to the last.")
        raise ValidationError(words) from error


def key_of_certificate(pasted: str) -> dict[str, Any] | None:
    """The public key of a certificate in PEM, named by its thumbprint; None where nothing was pasted.

    Raises ``ValidationError``, without the text. A private key that came along is burnt, and is said to be.
    """
    if not pasted.strip():
        return None
    if "PRIVATE KEY" in pasted:
        words = _("A private key came. It is no longer secret: replace it, and paste the new certificate alone.")
        raise ValidationError(words)
    try:
        pem = x509.load_pem_x509_certificate(pasted.encode()).public_key()
        text = pem.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    except ValueError as error:
        words = _("This is no certificate in PEM. Paste all of it, from -----BEGIN CERTIFICATE----- to the end.")
        raise ValidationError(words) from error
    for kind in _KINDS:
        try:
            key = kind.import_key(text)
        except (JoseError, ValueError, TypeError):
            continue
        return {**key.as_dict(private=False), "kid": key.thumbprint(), "use": "sig"}
    raise ValidationError(_("The certificate's key is of a kind that is not accepted. Use RSA, EC or Ed25519."))


def offer_present(form: forms.Form, present: Mapping[str, object] | None) -> None:
    """Let the field ``kept`` choose among the present keys; where there are none, it is not asked for."""
    names = [(name, name) for name in keys_by_name(present)]
    form.fields["kept"].choices = names  # type: ignore[attr-defined]
    if not names:
        del form.fields["kept"]


def together(present: Mapping[str, object] | None, kept: Iterable[str], *more: object) -> dict[str, Any]:
    """One key set of the present keys that stay and of those that came, each once.

    What came is not judged here: something that is no key set stays what it is, for the declaration to refuse.
    """
    named, chosen = keys_by_name(present), set(kept)
    keys: list[Any] = [key for name, key in named.items() if name in chosen]
    for document in more:
        if document is None:
            continue
        entries = document.get("keys") if isinstance(document, dict) else None
        if not isinstance(entries, list):
            return document if isinstance(document, dict) else {"keys": document}
        keys += [entry for entry in entries if entry not in keys]
    return {"keys": keys}
