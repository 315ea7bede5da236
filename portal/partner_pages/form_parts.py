"""What the forms about partners share: parts that are folded away, and the services' objections beside their fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django import forms
from django.utils.translation import gettext as _

from partners.errors import ConfigurationError, ConfigurationRefused

if TYPE_CHECKING:
    from django.forms.boundfield import BoundField

    from partners.errors import Problem


class FoldedFields(forms.Form):
    """A part of a form that its page folds away while nothing is in it: the fields named after ``folded``."""

    folded: ClassVar[str]

    def plain_fields(self) -> list[BoundField]:
        """The fields that always show, in order."""
        return [field for field in self if not self._is_folded(field)]

    def folded_fields(self) -> list[BoundField]:
        """The fields of the part, in order."""
        return [field for field in self if self._is_folded(field)]

    def is_unfolded(self) -> bool:
        """Whether the page shows the part unasked: its first field is filled in, or something in it is wrong."""
        fields = self.folded_fields()
        return bool(fields[0].value()) or any(field.errors for field in fields)

    def _is_folded(self, field: BoundField) -> bool:
        return field.name.startswith(f"{self.folded}_")


def members_of(part: str, *names: str) -> dict[str, str]:
    """Members of a part of a declaration, and the fields that hold them; the first speaks for the part as a whole."""
    return {part: f"{part}_{names[0]}", **{f"{part}.{name}": f"{part}_{name}" for name in names}}


def object_to(form: forms.Form, error: ConfigurationError, also: dict[str, str] | None = None) -> None:
    """Put the services' objections beside the fields they are about. ``also`` names fields that the form calls else."""
    if not isinstance(error, ConfigurationRefused):
        form.add_error(None, str(error))
        return
    for problem in error.problems:
        first, both = ".".join(map(str, problem.path[:1])), ".".join(map(str, problem.path[:2]))
        field = (also or {}).get(both) or (also or {}).get(first, first)
        known = field if field in form.fields else None
        form.add_error(known, _objection(form, known, problem))


def _objection(form: forms.Form, field: str | None, problem: Problem) -> str:
    label = form.fields[field].label if field else problem.field
    words = {"label": label, "expected": problem.expected, "came": problem.came}
    if problem.came:
        return _("%(label)s: %(came)s came. Expected: %(expected)s.") % words
    return _("%(label)s. Expected: %(expected)s.") % words
