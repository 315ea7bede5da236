"""The steps of registering a partner, as its pages show them until it is active: what is done, what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.translation import gettext as _

from partners.readiness import test_of
from partners.states import BEFORE_ACTIVE, PartnerState

if TYPE_CHECKING:
    from partners.profiles import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class OnboardingStep:
    """One step, with its address; ``is_next`` is the first that is not done."""

    number: int
    label: str
    href: str
    is_done: bool
    is_next: bool


def onboarding_steps(partner: Profile, *, is_tried: bool | None = None) -> tuple[OnboardingStep, ...]:
    """The steps of a partner that is not active yet; none for the others. Each is saved when it is done.

    ``is_tried`` is whether the test exchange was recorded, where whoever asks knows it.
    """
    if partner.state not in BEFORE_ACTIVE:
        return ()
    is_tested = partner.state == PartnerState.TESTED
    if is_tried is None:
        is_tried = is_tested or (partner.trusts > 0 and partner.clients > 0 and test_of(partner.id) is not None)
    steps = (
        (_("Name and owner"), "partners-edit", True),
        (_("Trust"), "partners-trust" if partner.trusts else "partners-trust-new", partner.trusts > 0),
        (_("Mappings"), "partners-mappings" if partner.mappings else "partners-mapping-new", partner.mappings > 0),
        (_("Client"), "partners-clients" if partner.clients else "partners-client-new", partner.clients > 0),
        (_("Try a token"), "partners-try", is_tested or is_tried),
        (_("Hand over"), "partners-integration", is_tested),
    )
    first = next((at for at, (_label, _name, is_done) in enumerate(steps) if not is_done), len(steps))
    return tuple(
        OnboardingStep(
            number=at + 1,
            label=label,
            href=reverse(name, args=[partner.slug]),
            is_done=is_done,
            is_next=at == first,
        )
        for at, (label, name, is_done) in enumerate(steps)
    )


def after_step(partner: Profile, usual: str) -> str:
    """Where to go on from a step that was just saved: to the next one while the partner is being registered."""
    following = next((step.href for step in onboarding_steps(partner) if step.is_next), "")
    return following or reverse(usual, args=[partner.slug])
