"""One box for everything: what a typed text can be, and what was found under each of its meanings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit import selectors as trail
from exchange import finding as tokens
from partners import finding as registered
from portal.filters import as_uuid

if TYPE_CHECKING:
    from audit.selectors import Record
    from exchange.finding import FoundToken
    from partners.finding import FoundClient, FoundPartner


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What a text was found to be. ``events`` share its reference; the tokens are those it names, one way each."""

    events: tuple[Record, ...] = ()
    own_tokens: tuple[FoundToken, ...] = ()
    made_of: tuple[FoundToken, ...] = ()
    issued_for: tuple[FoundToken, ...] = ()
    clients: tuple[FoundClient, ...] = ()
    partners: tuple[FoundPartner, ...] = ()

    @property
    def count(self) -> int:
        """How many things were found."""
        tokens_found = len(self.own_tokens) + len(self.made_of) + len(self.issued_for)
        return bool(self.events) + tokens_found + len(self.clients) + len(self.partners)


def search(text: str) -> Findings:
    """Look a text up under everything it can mean. Nine queries at most, each led by an index but that of names."""
    if not text:
        return Findings()
    reference = as_uuid(text)
    return Findings(
        events=trail.events_of(reference) if reference else (),
        own_tokens=tokens.by_id(reference) if reference else (),
        made_of=tokens.by_root(text, registered.issuers()),
        issued_for=() if reference else tokens.by_subject(registered.subjects(text)),
        clients=() if reference else registered.clients(text),
        partners=() if reference else registered.partners(text),
    )
