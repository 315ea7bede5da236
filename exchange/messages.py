"""What the guarded client sends beside its own header fields (RFC 9110): a condition, or a question in a form."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is sent. Its header fields and body may hold our credentials: they are part of no message and no log."""

    method: str = "GET"
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: bytes = field(default=b"", repr=False)

    @classmethod
    def form(cls, content: bytes, *, authorization: str) -> Message:
        """A form-encoded question with a credential of ours."""
        fields = {"Authorization": authorization, "Content-Type": "application/x-www-form-urlencoded"}
        return cls(method="POST", fields=fields | {"Content-Length": str(len(content))}, content=content)

    @property
    def is_conditional(self) -> bool:
        """Whether the answer may be that nothing changed."""
        return "If-None-Match" in self.fields
