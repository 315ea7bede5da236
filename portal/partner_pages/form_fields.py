"""What the forms about partners share: the looks of their fields, and the services' objections beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from partners.errors import ConfigurationError, ConfigurationRefused

if TYPE_CHECKING:
    from partners.errors import Problem


def line(label: Any, hint: Any = "", *, required: bool = True, **attributes: Any) -> forms.CharField:  # noqa: ANN401
    """A line of text."""
    widget = forms.TextInput(attrs={"class": "inp", "autocomplete": "off", "spellcheck": "false", **attributes})
    words = {"required": _missing(label)}
    return forms.CharField(
        label=label, help_text=hint, required=required, max_length=2000, widget=widget, error_messages=words
    )


def text(label: Any, hint: Any = "", *, rows: int = 3, required: bool = False) -> forms.CharField:  # noqa: ANN401
    """Several lines of text."""
    attributes = {"class": "inp mono", "rows": rows, "autocomplete": "off", "spellcheck": "false"}
    words = {"required": _missing(label)}
    return forms.CharField(
        label=label,
        help_text=hint,
        required=required,
        max_length=65536,
        widget=forms.Textarea(attrs=attributes),
        error_messages=words,
    )


def number(label: Any, hint: Any = "") -> forms.IntegerField:  # noqa: ANN401
    """A whole number."""
    return forms.IntegerField(
        label=label,
        help_text=hint,
        widget=forms.NumberInput(attrs={"class": "inp", "autocomplete": "off"}),
        error_messages={"required": _missing(label)},
    )


def limit(label: Any, hint: Any = "") -> forms.IntegerField:  # noqa: ANN401
    """A whole number, which may be left out."""
    widget = forms.NumberInput(attrs={"class": "inp", "autocomplete": "off"})
    return forms.IntegerField(label=label, help_text=hint, required=False, min_value=1, widget=widget)


def several(label: Any, hint: Any = "", *, required: bool = True, **options: Any) -> forms.MultipleChoiceField:  # noqa: ANN401
    """Any of several."""
    words = {"required": format_lazy(gettext_lazy("{label}: nothing is chosen. Choose at least one."), label=label)}
    return forms.MultipleChoiceField(
        label=label,
        help_text=hint,
        required=required,
        widget=forms.CheckboxSelectMultiple,
        error_messages=words,
        **options,
    )


def day(label: Any, hint: Any = "") -> forms.DateField:  # noqa: ANN401
    """A calendar day, which may be left out."""
    widget = forms.DateInput(attrs={"class": "inp", "type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, help_text=hint, required=False, input_formats=["%Y-%m-%d"], widget=widget)


def tick(label: Any, hint: Any = "") -> forms.BooleanField:  # noqa: ANN401
    """A yes or no."""
    return forms.BooleanField(label=label, help_text=hint, required=False)


def choice(label: Any, hint: Any = "", **options: Any) -> forms.ChoiceField:  # noqa: ANN401
    """One of several."""
    widget = forms.Select(attrs={"class": "inp"})
    return forms.ChoiceField(label=label, help_text=hint, widget=widget, **options)


def _missing(label: Any) -> Any:  # noqa: ANN401
    """Says which field is empty, in the language of the reader."""
    return format_lazy(gettext_lazy("{label} is empty. Fill it in."), label=label)


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
