"""What can be wrong with a change of configuration.

ConfigurationError
├── ConfigurationRefused   the declaration itself is not acceptable: one or more problems, each at a field
├── SeveralRefused         of several declarations that were to be written together, some were not accepted
├── NotRegistered          the change names an object that does not exist
└── IllegalTransition      the object exists, but what is asked does not lead on from its state (pages answer 409)
    ├── SecondPersonNeeded the state allows it, but not to the one who asks
    └── ChangedMeanwhile   somebody else changed it since the one who asks looked at it
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from partners.vocabulary import Kind

    Path = tuple[str | int, ...]

LONGEST_SHOWN: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong: where, what was expected, and what came instead (empty where it may not be shown)."""

    path: Path
    expected: str
    came: str = ""

    @property
    def field(self) -> str:
        """The path as it reads in a message: ``rules[0].operator``."""
        text = ""
        for part in self.path:
            text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
        return text

    def __str__(self) -> str:
        came = f"; {self.came} came" if self.came else ""
        return f"{self.field}: expected {self.expected}{came}" if self.path else f"expected {self.expected}{came}"


class ConfigurationError(Exception):
    """A change of configuration that was not made; nothing was written."""


class ConfigurationRefused(ConfigurationError):
    """The declaration cannot be accepted. ``problems`` names every field that is wrong, not only the first."""

    def __init__(self, kind: Kind, name: str, problems: tuple[Problem, ...]) -> None:
        super().__init__(f"{kind} {name}: " + "; ".join(map(str, problems)))
        self.kind = kind
        self.name = name
        self.problems = problems


class SeveralRefused(ConfigurationError):
    """Of several declarations some were not accepted, so none was written. ``errors`` are by the objects' names."""

    def __init__(self, errors: Mapping[str, ConfigurationError]) -> None:
        super().__init__(" ".join(map(str, errors.values())))
        self.errors = errors


class NotRegistered(ConfigurationError):
    """No such object. Register it first, or correct the name."""

    def __init__(self, kind: Kind, name: str) -> None:
        super().__init__(f"There is no {kind.lower()} named {name!r}. Register it first, or correct the name.")
        self.kind = kind
        self.name = name


class IllegalTransition(ConfigurationError):
    """What is asked for does not lead on from the object's state."""


class SecondPersonNeeded(IllegalTransition):
    """Somebody else has to do it. ``authors`` are the ones who cannot, as the audit trail names them."""

    def __init__(self, message: str, authors: tuple[str, ...]) -> None:
        super().__init__(message)
        self.authors = authors


class ChangedMeanwhile(IllegalTransition):
    """What is to be written would overwrite what its author never saw. Nothing was written."""


def shown(value: object) -> str:
    """A value as messages show it: JSON, cut short."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"
