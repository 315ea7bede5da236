"""First drafts of several mappings out of one token: the audiences that its scopes fit, and a form for each of them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from django.forms import HiddenInput
from django.utils.translation import gettext as _

from partners.errors import ChangedMeanwhile, ConfigurationError
from partners.states import SourceOfMapping
from portal.partner_pages.form_parts import object_to
from portal.partner_pages.mappings import suggestions
from portal.partner_pages.mappings.forms import MappingForm, initial_of_a_new_one

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from django.http import QueryDict

    from partners.declarations import DeclaredMapping
    from partners.errors import SeveralRefused
    from partners.offers import Offers
    from portal.partner_pages.mappings.suggestions import Suggestion

MOST: Final = 8
"""Few enough to be looked at one by one before they are saved together."""

LONGEST_NAME: Final = 63
LEFT_OUT: Final[Mapping[str, Any]] = {
    "position": 100,
    "clients": "",
    "subject_claim": "sub",
    "condition": "",
    "scopes_expression": "",
    "claims": {},
    "carries_login": False,
}
"""What few mappings need is written on the draft's own page, afterwards; until then it is as in any new one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """An audience of which the token's scopes name some. ``led_by`` are the mappings that lead there already."""

    target: str
    label: str
    grants: tuple[Suggestion, ...]
    led_by: tuple[str, ...]

    @property
    def is_chosen(self) -> bool:
        """Whether it is ticked before anybody looked."""
        return not self.led_by and any(grant.is_chosen for grant in self.grants)


def fits(claims: Mapping[str, Any], offered: Offers, taken: Mapping[str, frozenset[str]]) -> tuple[Fit, ...]:
    """The audiences that fit: new ones first, and those of which the token names the most scopes by our own names."""
    labels = dict(offered.targets)
    found = [
        Fit(
            target=target,
            label=labels[target],
            grants=grants,
            led_by=tuple(name for name, targets in taken.items() if target in targets),
        )
        for target, ours in offered.scopes
        if (grants := suggestions.grants(claims, ours))
    ]
    return tuple(sorted(found, key=lambda fit: (bool(fit.led_by), -sum(grant.is_chosen for grant in fit.grants))))


class FirstDraftForm(MappingForm):
    """What every mapping needs, for one audience."""

    def __init__(self, offers: Offers, target: str, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as a form's
        super().__init__(offers, *args, prefix=target, **kwargs)
        for name in LEFT_OUT:
            del self.fields[name]
        self.fields["target"].choices = [(target, target)]  # type: ignore[attr-defined]
        self.fields["target"].widget = HiddenInput()

    def clean(self) -> dict[str, Any]:
        """What was typed, and the rest as in any new mapping."""
        super().clean()
        return {**self.cleaned_data, **LEFT_OUT}


@dataclass(slots=True, kw_only=True)
class FirstDraft:
    """The form of one mapping among several; ``key`` is the target it was proposed for, and the prefix of its fields.

    ``is_kept``: whether it is to be saved with the others.
    """

    key: str
    form: FirstDraftForm
    is_kept: bool = True


def proposed(
    given: QueryDict, offered: Offers, taken: Mapping[str, frozenset[str]], trust: str
) -> tuple[FirstDraft, ...]:
    """A form for each audience that was ticked, filled with the lines that were ticked; names that are free."""
    names, rules = set(taken), suggestions.chosen(given.getlist("take"))["rules"]
    found = []
    for target in _known(given.getlist("target"), offered):
        name = _free(target, names)
        names.add(name)
        grants = suggestions.chosen(given.getlist(f"of-{target}"))["grants"]
        source = {"source": f"{SourceOfMapping.TRUST}:{trust}"} if trust in offered.trusts else {}
        lines = {"rules": "\n".join(rules), "grants": "\n".join(grants)}
        initial = {**initial_of_a_new_one(offered), **source, **lines, "name": name, "target": target}
        found.append(FirstDraft(key=target, form=FirstDraftForm(offered, target, initial=initial)))
    return tuple(found)


def typed(given: QueryDict, offered: Offers) -> tuple[FirstDraft, ...]:
    """The forms as they were sent. What is not to be saved is kept as it was typed, and not looked at."""
    kept = set(given.getlist("draft"))
    return tuple(
        FirstDraft(
            key=key,
            form=FirstDraftForm(offered, key, given) if key in kept else _as_typed(given, offered, key),
            is_kept=key in kept,
        )
        for key in _known(given.getlist("shown"), offered)
    )


def declared(drafts: Sequence[FirstDraft], partner: str) -> tuple[DeclaredMapping, ...]:
    """What is to be saved; of none where anything is wrong, which is then said beside its field."""
    kept = [draft.form for draft in drafts if draft.is_kept]
    wrong = [form for form in kept if not form.is_valid()]
    if wrong or not _have_names_of_their_own(kept):
        return ()
    found = []
    for form in kept:
        try:
            found.append(form.declared(partner))
        except ConfigurationError as error:
            object_to(form, error, {"trust": "source"})
    return tuple(found) if len(found) == len(kept) else ()


def object_to_each(drafts: Sequence[FirstDraft], refused: SeveralRefused) -> bool:
    """Put each objection beside the form it is about; answers whether somebody else was there first."""
    forms = {draft.form.cleaned_data["name"]: draft.form for draft in drafts if draft.is_kept}
    for name, error in refused.errors.items():
        if isinstance(error, ChangedMeanwhile):
            words = _("Name: another mapping of this partner is called %(name)s. Give this one a name of its own.")
            forms[name].add_error("name", words % {"name": name})
        else:
            object_to(forms[name], error, {"trust": "source"})
    return any(isinstance(error, ChangedMeanwhile) for error in refused.errors.values())


def _known(keys: Sequence[str], offered: Offers) -> Iterator[str]:
    """The targets among what was sent, each once."""
    targets = dict(offered.targets)
    yield from [key for key in dict.fromkeys(keys) if key in targets][:MOST]


def _free(target: str, names: set[str]) -> str:
    """The target's own name, or that with the first number that is free."""
    if target not in names:
        return target
    numbered = (f"{target[: LONGEST_NAME - len(f'-{number}')]}-{number}" for number in count(2))
    return next(name for name in numbered if name not in names)


def _as_typed(given: QueryDict, offered: Offers, key: str) -> FirstDraftForm:
    values = {name: given.get(f"{key}-{name}", "") for name in FirstDraftForm.base_fields}
    return FirstDraftForm(offered, key, initial={**values, "target": key})


def _have_names_of_their_own(forms: Sequence[MappingForm]) -> bool:
    """Whether no two have one name; the later ones are told."""
    seen, is_fine = set(), True
    for form in forms:
        name = form.cleaned_data["name"]
        if name in seen:
            words = _("Name: two of these drafts are called %(name)s. Give this one a name of its own.")
            form.add_error("name", words % {"name": name})
            is_fine = False
        seen.add(name)
    return is_fine
