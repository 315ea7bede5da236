"""A secret that prints as its fingerprint, so that no log, page or trace can hold the secret itself."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256


@dataclass(frozen=True, slots=True, repr=False)
class RawToken:
    """A token or assertion exactly as it came over the wire, unverified.

    ``str`` and ``repr`` show the first twelve hexadecimal digits of its SHA-256 only. This prevents the leak seen in
    systems that redact at the call site: one forgotten call site is enough (CWE-532).
    """

    _text: str

    def reveal(self) -> str:
        """The token's text, for the verifier alone."""
        return self._text

    @property
    def digest(self) -> str:
        """SHA-256 of the text, 64 hexadecimal digits."""
        return sha256(self._text.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def fingerprint(self) -> str:
        """Twelve digits of the digest: enough to compare two log lines, useless as a token."""
        return self.digest[:12]

    def __len__(self) -> int:
        return len(self._text)

    def __repr__(self) -> str:
        return f"RawToken({self.fingerprint})"

    __str__ = __repr__
