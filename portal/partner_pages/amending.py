"""Clients and trusts as they are changed: typed, looked at with what it would do, and only then saved.

The second look confirms exactly the change that was shown: whoever types something else meanwhile sees that first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.shortcuts import redirect
from django.utils import timezone

from partners.changes import changing
from partners.drafts import compare
from partners.errors import ChangedMeanwhile, ConfigurationError
from portal.partner_pages.form_parts import object_to
from portal.partner_pages.frame import partner_page
from portal.partner_pages.reviewing import digest_of, review
from portal.people.events import actor_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django import forms
    from django.http import HttpRequest, HttpResponse

    from partners.changes import Change
    from partners.declarations import DeclaredClient, DeclaredTrust
    from partners.profiles import Profile
    from partners.standing import Standing

    Wanted = DeclaredClient | DeclaredTrust


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """One change: the page it is typed on, the form, what stands there, and how it is saved.

    ``standing`` is read again where somebody else was faster. ``save`` takes the change, the declaration and the stamp.
    ``look`` adds to a second look what else can be said; ``otherwise`` names fields that the form calls otherwise.
    """

    tab: str
    form: Any
    standing: Callable[[], Standing[Any] | None]
    save: Callable[[Change, Any, str], object]
    done: str
    otherwise: Mapping[str, str] = field(default_factory=dict)
    look: Callable[[Any, Any], dict[str, Any]] = lambda _before, _after: {}


def amend(request: HttpRequest, partner: Profile, amendment: Amendment, known: Standing[Any]) -> HttpResponse:
    """422 with what is wrong, 409 with what somebody else wrote, 200 with what it would do, or on to the list."""
    form: forms.Form = amendment.form
    context: dict[str, Any] = {"stamp": request.POST.get("stamp", ""), "known": known}
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    if form.is_valid():
        try:
            declared = amendment.form.declared()
            if request.POST.get("confirmed") == digest_of(declared):
                with changing(actor_of(request.user)) as change:
                    amendment.save(change, declared, context["stamp"])
                return redirect(amendment.done, partner.slug)
            context |= _looked_at(request, partner, amendment, known, declared)
            status = HTTPStatus.OK
        except ChangedMeanwhile as error:
            form.add_error(None, str(error))
            context |= _theirs(amendment, declared)
            status = HTTPStatus.CONFLICT
        except ConfigurationError as error:
            object_to(form, error, dict(amendment.otherwise))
    return partner_page(request, partner, amendment.tab, {"form": form, **context}, status=status)


def _looked_at(
    request: HttpRequest, partner: Profile, amendment: Amendment, known: Standing[Any], declared: Wanted
) -> dict[str, Any]:
    seen = request.POST.get("stamp", "")
    found = review(
        known.declared,
        declared,
        lambda change: amendment.save(change, declared, seen),
        actor=actor_of(request.user),
        partner_id=partner.id,
        now=timezone.now(),
    )
    return {"review": found, **amendment.look(known.declared, declared)}


def _theirs(amendment: Amendment, declared: Wanted) -> dict[str, Any]:
    """What stands there now beside what was typed, and the stamp under which that may be saved over it."""
    now = amendment.standing()
    if now is None:
        return {}
    return {"stamp": now.stamp, "compared": [line for line in compare(now.declared, declared) if line.differs]}
