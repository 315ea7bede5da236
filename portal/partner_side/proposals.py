"""What a partner proposes about its trusts, and how somebody of ours decides about it (elevation.md section 8).

Whose tokens are accepted, for whom, and by which address of keys is ours to say: the partner proposes it, and it counts
when somebody of ours approves. A proposal holds only the fields that the partner set, so that approving it takes back
nothing that we changed meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.utils import timezone
from django.utils.translation import gettext as _

from audit.partner_side_events import ProposalApproved, ProposalDeclined, ProposalMade, ProposalWithdrawn
from partners import records, services
from partners.checking import read, require_right, write
from partners.drafts import compare
from partners.errors import IllegalTransition, NotRegistered
from partners.states import TrustState
from partners.vocabulary import Kind
from portal.models import Proposal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from audit.events import JSON, Event
    from partners.changes import Change
    from partners.declarations import DeclaredTrust
    from partners.drafts import Compared
    from portal.partner_side.sides import Side

SHOWN: Final = 20
State = Proposal.State


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """A proposal as pages show it."""

    id: UUID
    trust: str
    issuer: str
    author: str
    author_email: str
    made_at: datetime
    state: str
    decided_by: str
    decided_at: datetime | None
    answer: str
    fields: Mapping[str, Any]

    @property
    def is_waiting(self) -> bool:
        """Whether it can still be decided."""
        return self.state == State.WAITING


def propose(change: Change, side: Side, trust: str, fields: dict[str, Any]) -> None:
    """Propose these fields of a trust; what waited for the same trust is replaced.

    Raises ``ConfigurationRefused`` where nobody could approve it, ``IllegalTransition`` for a withdrawn trust.
    """
    before = _standing(side.partner.slug, trust)
    declared = _composed(before, side.partner.slug, trust, fields)
    require_right(declared)
    written = write(declared)
    kept = {name: written[name] for name in fields}
    for row in Proposal.objects.select_for_update().filter(partner=side.partner.id, trust=trust, state=State.WAITING):
        _settle(change, row, State.REPLACED, ProposalWithdrawn)
    row = Proposal.objects.create(partner_id=side.partner.id, trust=trust, fields=kept, author=side.person)
    changed: dict[str, JSON] = {
        line.field: {"old": line.before, "new": line.after}
        for line in compare(before, declared)
        if line.differs and line.field in kept and line.field != "jwks"
    }
    _record(change, ProposalMade, row, fields=changed)


def withdraw(change: Change, side: Side, proposal_id: UUID) -> None:
    """The partner takes it back. Raises ``NotRegistered``, and ``IllegalTransition`` where it was decided meanwhile."""
    _settle(change, _waiting(side.partner.id, proposal_id), State.WITHDRAWN, ProposalWithdrawn)


def approve(change: Change, partner: str, partner_id: UUID, proposal_id: UUID) -> None:
    """Put it into force, in the name of whoever approves: for activation, they made this change.

    Raises ``ConfigurationError``: it was decided meanwhile, or the configuration no longer takes it.
    """
    row = _waiting(partner_id, proposal_id)
    before = _standing(partner, row.trust)
    declared = _composed(before, partner, row.trust, row.fields)
    if before is None:
        services.add_trust(change, declared)
    else:
        services.change_trust(change, declared)
    _settle(change, row, State.APPROVED, ProposalApproved)


def decline(change: Change, partner_id: UUID, proposal_id: UUID, answer: str) -> None:
    """Say no, with the words that the partner reads. Raises ``ConfigurationError`` where it was decided meanwhile."""
    row = _waiting(partner_id, proposal_id)
    row.answer = answer
    _settle(change, row, State.DECLINED, ProposalDeclined)


def listed(partner_id: UUID, *, state: str = "", before: UUID | None = None, size: int = SHOWN) -> tuple[Proposed, ...]:
    """The newest proposals of a partner. One query, led by ``proposal_by_partner``."""
    given = {"state": state or None, "id__lt": before}
    rows = Proposal.objects.filter(partner=partner_id, **{name: value for name, value in given.items() if value})
    return tuple(_shown(row) for row in rows.select_related("author").order_by("-id")[:size])


def find(partner_id: UUID, proposal_id: UUID) -> Proposed | None:
    """One proposal of a partner, or None."""
    row = Proposal.objects.filter(partner=partner_id, pk=proposal_id).select_related("author").first()
    return None if row is None else _shown(row)


def compared(partner: str, proposed: Proposed) -> tuple[Compared, ...]:
    """The trust as it is beside what it would be, those fields first that differ; of a new one what is proposed."""
    before = _standing(partner, proposed.trust)
    lines = compare(before, _composed(before, partner, proposed.trust, proposed.fields))
    return tuple(line for line in lines if before is not None or line.field in proposed.fields)


def _standing(partner: str, trust: str) -> DeclaredTrust | None:
    """The trust as it is; None where there is none. Raises ``IllegalTransition`` where it was withdrawn."""
    try:
        record = records.trust(partner, trust)
    except NotRegistered:
        return None
    if record.state == TrustState.WITHDRAWN:
        raise IllegalTransition(f"Trust {trust} was withdrawn, which is final. Propose the issuer under another name.")
    return record.declared  # type: ignore[return-value]  # of a trust's row


def _composed(before: DeclaredTrust | None, partner: str, trust: str, fields: Mapping[str, Any]) -> DeclaredTrust:
    document = {"name": trust, "partner": partner} if before is None else write(before)
    return read(Kind.TRUST, {**document, **fields})  # type: ignore[return-value]


def _waiting(partner_id: UUID, proposal_id: UUID) -> Proposal:
    row = Proposal.objects.select_for_update().filter(partner=partner_id, pk=proposal_id).first()
    if row is None:
        raise IllegalTransition(_("No proposal of this partner has this address. Go back to the list."))
    if row.state != State.WAITING:
        who = row.decided_by.partition(":")[2] or row.decided_by
        words = _("%(who)s decided this meanwhile: it is %(state)s. Nothing of yours was done.")
        raise IllegalTransition(words % {"who": who, "state": row.get_state_display().lower()})
    return row


def _settle(change: Change, row: Proposal, state: State, event: type[Event]) -> None:
    row.state, row.decided_by, row.decided_at = state, str(change.actor), timezone.now()
    row.save(update_fields=["state", "decided_by", "decided_at", "answer"])
    _record(change, event, row, **({"answer": row.answer} if row.answer else {}))


def _record(change: Change, event: type[Event], row: Proposal, **more: JSON) -> None:
    slug = row.partner.slug
    data: dict[str, JSON] = {"proposal": str(row.pk), "trust": row.trust, "name": row.trust, **more}
    change.record(event(partner_id=row.partner_id, partner=slug, data=data))


def _shown(row: Proposal) -> Proposed:
    return Proposed(
        id=row.pk,
        trust=row.trust,
        issuer=str(row.fields.get("issuer", "")),
        author=str(row.author),
        author_email=row.author.email,
        made_at=row.made_at,
        state=row.state,
        decided_by=row.decided_by.partition(":")[2] or row.decided_by,
        decided_at=row.decided_at,
        answer=row.answer,
        fields=row.fields,
    )
