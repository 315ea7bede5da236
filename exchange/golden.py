"""Golden tokens: cases kept from the simulator, tried again whenever what they rest on moved (RFC 8693 s2.1, s6).

A case that no longer comes to its end is red. A red case stops a mapping from being published: ``require_green`` is
called before the commit, and sees what the change wrote.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.events import SYSTEM, ConfigurationApplied
from exchange.golden_forms import end_of, in_words, question_from
from exchange.ground import ground_of
from exchange.models import GoldenToken
from exchange.simulating import simulate
from partners import excerpts
from partners.changes import changing
from partners.errors import ConfigurationError, IllegalTransition

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from exchange.golden_forms import Kept
    from partners.changes import Change
    from partners.excerpts import Draft

LONGEST_NAME: Final = 120
MOST_OF_A_PARTNER: Final = 200
"""More would make publishing wait."""
BATCH: Final = 500
NEVER: Final = -1
"""The configuration that a case was tried under which this release has not tried yet."""
LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class CasesAreRed(IllegalTransition):
    """A mapping was not published: with it, golden tokens of the partner come to another end than they must."""


class CaseRefused(ConfigurationError):
    """A case cannot be kept or renamed; nothing was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A case and the end it came to now."""

    case: GoldenToken
    found: dict[str, Any]

    @property
    def is_green(self) -> bool:
        """Whether that is the end it must come to."""
        return bool(self.found == self.case.expected)

    @property
    def difference(self) -> str:
        """What was expected and what came instead, in words."""
        words = _("%(name)s: expected %(expected)s; now %(found)s")
        parts = {"expected": in_words(self.case.expected), "found": in_words(self.found)}
        return words % {"name": self.case.name, **parts}


def check(cases: Sequence[GoldenToken], *, draft: UUID | None = None) -> list[Checked]:
    """Try each case under the configuration as this transaction sees it. The cases of one call share the reading.

    A draft stands in for the version that is in force.
    """
    checked = []
    for as_if_active in (False, True):
        asked = [
            (case, question_from(case.question)) for case in cases if case.question["as_if_active"] is as_if_active
        ]
        if asked:
            ground = ground_of([question for _case, question in asked], draft=draft, as_if_active=as_if_active)
            checked += [Checked(case=case, found=end_of(simulate(question, ground))) for case, question in asked]
    return checked


def keep(change: Change, kept: Kept, name: str) -> GoldenToken:
    """A new case. Raises ``CaseRefused`` for a name that is taken or no name, and when there are too many."""
    name = _checked_name(kept.partner_id, name)
    if GoldenToken.objects.filter(partner=kept.partner_id).count() >= MOST_OF_A_PARTNER:
        words = _("There are %(most)s golden tokens of this partner already. Delete one that says little first.")
        raise CaseRefused(words % {"most": MOST_OF_A_PARTNER})
    document = kept.document()
    if not _is_storable(document):
        raise CaseRefused(
            _("A claim holds U+0000 or half a character, which cannot be kept. Take it out of the claims.")
        )
    end, (epoch, _catalogue) = end_of(kept.answer), excerpts.moved_at()
    case = GoldenToken.objects.create(
        partner_id=kept.partner_id,
        name=name,
        question=document,
        expected=end,
        found=end,
        author=change.actor.name[:254],
        checked_at=timezone.now(),
        checked_epoch=epoch,
    )
    _record(change, case, "saved", {"expected": in_words(end)})
    return case


def rename(change: Change, case_id: UUID, name: str) -> GoldenToken:
    """Another name. Raises ``CaseRefused``, ``IllegalTransition``."""
    case = _locked(case_id)
    if case.name != name.strip():
        before, case.name = case.name, _checked_name(case.partner_id, name)
        case.save(update_fields=["name"])
        _record(change, case, "renamed", {"before": before})
    return case


def delete(change: Change, case_id: UUID) -> None:
    """It is tried no more, and stops nobody. Raises ``IllegalTransition`` where somebody else was faster."""
    case = _locked(case_id)
    _record(change, case, "deleted", {"expected": in_words(case.expected)})
    case.delete()


def run_again(cases: Iterable[GoldenToken]) -> list[Checked]:
    """Try these cases now and write down what came of each; one that turned is audited."""
    epoch, _catalogue = excerpts.moved_at()
    checked = check(list(cases))
    with changing(SYSTEM) as change:
        for one in checked:
            _write_down(change, one, epoch)
    return checked


def run_one(case_id: UUID) -> None:
    """Try one case now; one that was deleted meanwhile is none."""
    run_again(_rows().filter(pk=case_id))


def run_all(partner: str = "") -> list[Checked]:
    """Try every case, or those of one partner, a few hundred at a time."""
    rows = _rows().filter(**({"partner__slug": partner} if partner else {})).order_by("id")
    checked: list[Checked] = []
    while batch := list(rows.filter(**({"id__gt": checked[-1].case.id} if checked else {}))[:BATCH]):
        checked += sorted(run_again(batch), key=lambda one: one.case.id)
    return checked


def run_due() -> int:
    """Try the cases whose ground moved since they were tried last; answers how many.

    That is their partner with its issuers' keys, the catalogue, and for a token of ours our own keys.
    """
    epoch, catalogue = excerpts.moved_at()
    moved = Q(partner__version__gt=F("checked_epoch")) | Q(checked_epoch__lt=catalogue)
    ours = Q(question__subject__claims__iss=settings.HANDOVER.issuer)
    ours |= Q(question__actor__claims__iss=settings.HANDOVER.issuer)
    moved |= ours & Q(checked_epoch__lt=excerpts.keys_moved_at())
    due = list(_rows().filter(moved, checked_epoch__lt=epoch).order_by("id")[:BATCH])
    return len(run_again(due)) if due else 0


def make_all_due() -> None:
    """Another release may judge otherwise: every case is tried again, by the worker or by ``manage.py golden``."""
    GoldenToken.objects.update(checked_epoch=NEVER)


def require_green(change: Change) -> None:
    """Whatever this change published, the golden tokens of those partners come to their ends under it.

    Raises ``CasesAreRed``, which rolls the change back.
    """
    cases = list(_rows().filter(partner__in=change.published)) if change.published else []
    red = [one.difference for one in check(cases) if not one.is_green]
    if red:
        words = _(
            "Nothing was published: golden tokens would come to another end. %(red)s. Change the mapping, or delete"
            " a case whose end is no longer meant."
        )
        raise CasesAreRed(words % {"red": "; ".join(red[:5])})


def in_the_way(draft: Draft) -> list[Checked]:
    """The golden tokens of its partner that would come to another end were it published now: they would stop it."""
    cases = list(_rows().filter(partner=draft.partner_id).order_by("-id"))
    return [one for one in check(cases, draft=draft.id) if not one.is_green]


def _rows() -> Any:  # noqa: ANN401 - a queryset
    return GoldenToken.objects.select_related("partner")


def _locked(case_id: UUID) -> GoldenToken:
    case: GoldenToken | None = _rows().select_for_update(of=("self",)).filter(pk=case_id).first()
    if case is None:
        raise IllegalTransition(_("This golden token is gone: somebody deleted it meanwhile. Nothing is left to do."))
    return case


def _checked_name(partner_id: UUID, name: str) -> str:
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        words = _("The name of a golden token has 1 to %(most)s printable characters. Enter one that says what it is.")
        raise CaseRefused(words % {"most": LONGEST_NAME})
    if GoldenToken.objects.filter(partner=partner_id, name=name).exists():
        raise CaseRefused(
            _("A golden token of this partner is called “%(name)s”. Choose another name.") % {"name": name}
        )
    return name


def _is_storable(document: object) -> bool:
    """JSON in PostgreSQL holds neither NUL nor a lone surrogate."""
    text = json.dumps(document)
    return "\\u0000" not in text and LONE_SURROGATE.search(json.dumps(document, ensure_ascii=False)) is None


def _write_down(change: Change, one: Checked, epoch: int) -> None:
    """What came of it; a case that was deleted meanwhile stays deleted."""
    case = one.case
    values = {"found": one.found, "is_green": one.is_green, "checked_at": timezone.now(), "checked_epoch": epoch}
    is_there = GoldenToken.objects.filter(pk=case.pk).update(**values)
    if is_there and case.is_green is not one.is_green:
        _record(change, case, "green again" if one.is_green else "red", {"found": in_words(one.found)})
    for name, value in values.items():
        setattr(case, name, value)


def _record(change: Change, case: GoldenToken, act: str, more: dict[str, str]) -> None:
    partner = case.partner
    data: Any = {"object": "Golden token", "name": case.name, "change": act, "fields": [], **more}
    change.record(
        ConfigurationApplied(
            partner_id=partner.id, partner=partner.slug, client=str(case.question["client_id"]), data=data
        )
    )
