"""What a list is asked for, read from its address, and the addresses that ask for a little more or less.

Filters live in the address, so that a list can be shared and works without script. A value that means nothing is
dropped: it narrows nothing and does no harm.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from audit.selectors import Outcome
from policy.reasons import Reason, Rule
from portal.roles import Role

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from django.http import QueryDict
    from django.utils.functional import _StrPromise

MAX_TEXT: Final = 255
_UUID: Final = re.compile(r"\b[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\b", re.IGNORECASE)

RANGES: Final[Mapping[str, tuple[_StrPromise, timedelta | None]]] = {
    "1h": (_("Last hour"), timedelta(hours=1)),
    "24h": (_("Last 24 hours"), timedelta(hours=24)),
    "7d": (_("Last 7 days"), timedelta(days=7)),
    "30d": (_("Last 30 days"), timedelta(days=30)),
    "any": (_("Any time"), None),
}
USUAL_RANGE: Final = "24h"

COLUMNS: Final[Mapping[str, _StrPromise]] = {
    "partner": _("Partner"),
    "client": _("Client"),
    "target": _("Audience"),
    "reference": _("Reference"),
    "code": _("Code of the reason"),
}
"""What a list of exchanges can show beside time and outcome; all but the last where nothing is chosen."""
USUAL_COLUMNS: Final = ("partner", "client", "target", "reference")

OUTCOMES: Final[Mapping[Outcome, _StrPromise]] = {
    Outcome.GRANTED: _("Granted"),
    Outcome.REFUSED: _("Refused"),
    Outcome.FAILED: _("Failed"),
}


def as_uuid(text: str) -> UUID | None:
    """The first identifier in a text, or None: people paste whole error messages into search boxes."""
    found = _UUID.search(text)
    return None if found is None else UUID(found[0])


def query_of(fields: Mapping[str, object]) -> str:
    """The query of an address; what is empty is left out."""
    text = urlencode({name: value for name, value in fields.items() if value})
    return f"?{text}" if text else "?"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeFilter:
    """The filters of the list of exchanges, as its address holds them."""

    q: str = ""
    range: str = USUAL_RANGE
    start: str = ""
    """Both ends of a time of one's own, in UTC as they were typed; either takes the place of ``range``."""
    end: str = ""
    outcome: str = ""
    step: str = ""
    reason: str = ""
    partner: str = ""
    client: str = ""
    target: str = ""
    live: str = ""
    """Whether the list follows what happens."""
    columns: str = ""

    @classmethod
    def read(cls, query: QueryDict) -> ExchangeFilter:
        """Read an address."""
        given = {field.name: query.get(field.name, "").strip()[:MAX_TEXT] for field in fields(cls)}
        known: dict[str, Any] = {"range": RANGES, "outcome": set(Outcome), "reason": set(Reason), "live": {"1"}}
        for name, values in {**known, "step": set(Rule)}.items():
            if given[name] not in values:
                given[name] = ""
        given["range"] = given["range"] or USUAL_RANGE
        return cls(**{**given, "columns": _columns(query.getlist("columns"))})

    @property
    def shown(self) -> tuple[str, ...]:
        """The columns beside time and outcome, in their order."""
        return tuple(self.columns.split(",")) if self.columns else USUAL_COLUMNS

    @property
    def has_own_time(self) -> bool:
        """Whether an end of the time was typed."""
        return bool(self.start or self.end)

    @property
    def reference(self) -> UUID | None:
        """The correlation or event id in the search box, where it holds one."""
        return as_uuid(self.q)

    def since(self, now: datetime) -> datetime | None:
        """Where the range starts, where no end of one's own was typed. A reference is looked for at any time."""
        span = RANGES[self.range][1]
        return None if span is None or self.reference else now - span

    def without(self, *names: str) -> ExchangeFilter:
        """The same filter with some fields as usual again."""
        return replace(self, **{name: USUAL_RANGE if name == "range" else "" for name in names})

    def query(self, **more: object) -> str:
        """The address's query for this filter; fields that are as usual are left out."""
        usual = ExchangeFilter()
        mine = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != getattr(usual, f.name)}
        return query_of(mine | more)

    @property
    def narrowing(self) -> tuple[tuple[str, str], ...]:
        """The fields that narrow the list, with their values, for the chips that take them away again."""
        usual = ExchangeFilter()
        names = ("start", "end", "outcome", "step", "reason", "partner", "client", "target", "q")
        return tuple((name, getattr(self, name)) for name in names if getattr(self, name) != getattr(usual, name))


def _columns(given: list[str]) -> str:
    """The known ones of those that were chosen, in their order; empty for the usual ones."""
    asked = {name for text in given for name in text.split(",")}
    chosen = tuple(name for name in COLUMNS if name in asked)
    return "" if chosen == USUAL_COLUMNS else ",".join(chosen)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerFilter:
    """The filters and the order of the list of partners, as its address holds them."""

    q: str = ""
    state: str = ""
    order: str = "name"

    @classmethod
    def read(cls, query: QueryDict, states: Collection[str]) -> PartnerFilter:
        """Read an address; ``states`` are those that exist."""
        state = query.get("state", "")
        return cls(
            q=query.get("q", "").strip()[:MAX_TEXT],
            state=state if state in states else "",
            order="-name" if query.get("order") == "-name" else "name",
        )

    def query(self, **more: object) -> str:
        """The address's query for this filter, changed by ``more``."""
        mine: dict[str, object] = {
            "q": self.q,
            "state": self.state,
            "order": self.order if self.order != "name" else "",
        }
        return query_of(mine | more)


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleFilter:
    """The filters of the list of people, as its address holds them."""

    q: str = ""
    role: str = ""
    state: str = ""

    @classmethod
    def read(cls, query: QueryDict) -> PeopleFilter:
        """Read an address."""
        role, state = query.get("role", ""), query.get("state", "")
        return cls(
            q=query.get("q", "").replace("\x00", "").strip()[:MAX_TEXT],
            role=role if role in set(Role) else "",
            state=state if state in {"open", "closed"} else "",
        )

    @property
    def is_closed(self) -> bool | None:
        """Whether closed accounts are asked for; None: all."""
        return {"open": False, "closed": True}.get(self.state)

    def query(self, **more: object) -> str:
        """The address's query for this filter, changed by ``more``."""
        mine: dict[str, object] = {"q": self.q, "role": self.role, "state": self.state}
        return query_of(mine | more)
