"""What is wrong with documents, each fault with its file and line. All faults are reported together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Fault:
    """One fault: where it is, which object it concerns (empty where none is known yet), and what it is."""

    file: str
    line: int
    subject: str = ""
    field: str = ""
    message: str

    def __str__(self) -> str:
        about = ", ".join(filter(None, (self.subject, self.field)))
        return f"{self.file}:{self.line}: {about + ': ' if about else ''}{self.message}"


class DocumentsRefused(Exception):
    """The documents cannot be applied, and nothing was written. ``faults`` is sorted by file and line."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        super().__init__("\n".join(map(str, self.faults)))
