"""What the pages about effective access are asked for, read from their addresses.

A filter that means nothing is dropped, as everywhere. A moment that cannot be read is said to be one: to answer for
another moment than the one that was asked for would be a wrong answer.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext as _

from partners.access import Wanted
from policy.parties import Risk
from portal.filters import query_of

if TYPE_CHECKING:
    from django.http import QueryDict

MAX_TEXT: Final = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessFilter:
    """The filters as an address holds them; ``at`` is the moment as it was typed."""

    q: str = ""
    target: str = ""
    scope: str = ""
    risk: str = ""
    unused: str = ""
    at: str = ""

    @classmethod
    def read(cls, query: QueryDict) -> AccessFilter:
        """Read an address."""
        given = {field.name: plain(query.get(field.name, "")) for field in fields(cls)}
        given["risk"] = given["risk"] if given["risk"] in set(Risk) else ""
        given["unused"] = "1" if given["unused"] == "1" else ""
        return cls(**given)

    @property
    def wanted(self) -> Wanted:
        """As the question to the configuration."""
        return Wanted(text=self.q, target=self.target, scope=self.scope, risk=self.risk)

    def query(self, **more: str) -> str:
        """The address's query, changed by ``more``; what is empty is left out."""
        mine = {field.name: getattr(self, field.name) for field in fields(self)}
        return query_of(mine | more)


def plain(value: str) -> str:
    """Bounded, and without what no name of ours can hold: a NUL would be a fault of the database."""
    return "".join(character for character in value.strip()[:MAX_TEXT] if character.isprintable())


def moment(text: str, now: datetime) -> tuple[datetime | None, str]:
    """The moment in UTC that a text names, None for none; or what is wrong with it, in words."""
    if not text:
        return None, ""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        words = _("“%(text)s” is not a date with a time. Write it like %(example)s, in UTC.")
        return None, words % {"text": text, "example": f"{now:%Y-%m-%dT%H:%M}"}
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    if at > now:
        return None, _("%(text)s is yet to come: only what was published is known. Choose a moment in the past.") % {
            "text": text
        }
    return at, ""
