"""The fields of the pages' forms: how each looks, and what is said beside it, by its own name, when it is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.utils.datastructures import MultiValueDict
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django.http import QueryDict
    from django.utils.functional import _StrPromise

LONGEST_TOKEN: Final = 65_536
"""More than any token may have, so that one that is too long is answered as the endpoint would."""

_WORDS: Final[Mapping[str, _StrPromise]] = {
    "required": _("{label} is empty. Fill it in."),
    "max_length": _("{label}: more than {most} characters came. Shorten it."),
    "null_characters_not_allowed": _("{label}: a character came that no text can hold (NUL). Type it anew."),
}
_OF_A_CHOICE: Final = {"invalid_choice": _("{label}: what came is not offered. Choose one of the list.")}
_OF_A_NUMBER: Final = {
    "invalid": _("{label}: no whole number came. Write it in digits."),
    "min_value": _("{label}: a number below 1 came. Write 1 or more, or leave it empty."),
}
_OF_A_DAY: Final = {"invalid": _("{label}: no day of the calendar came. Write its year, month and day: 2031-05-04.")}
_PLAIN: Final = {"autocomplete": "off", "spellcheck": "false"}
_CODE: Final = {"class": "inp mono", "autocapitalize": "off", **_PLAIN}


def words_for(label: Any, more: Mapping[str, Any] | None = None, *, most: int = 0) -> dict[str, Any]:  # noqa: ANN401
    """What is said of a field that is wrong. Django's own words name no field, and not what to do."""
    return {code: format_lazy(words, label=label, most=most) for code, words in {**_WORDS, **(more or {})}.items()}


def as_sent(form: type[forms.Form], data: QueryDict) -> dict[str, Any]:
    """What a form's fields hold as they were sent, for a page that shows it again; what is wrong is said later."""
    fields = form.base_fields.items()
    sent = {name: field.widget.value_from_datadict(data, MultiValueDict(), name) for name, field in fields}
    return {name: "" if value is None else value for name, value in sent.items()}


class Unshown(forms.Textarea):
    """The widget of a secret: what was sent is in no page, also not beside an error (CWE-532)."""

    def format_value(self, value: Any) -> None:  # noqa: ANN401 - Django's signature
        """Nothing."""


class _ReadField(forms.CharField):
    """Text that the valid form holds as what was read in it. ``reads`` raises ``ValidationError``."""

    def __init__(self, *, reads: Callable[[str], Any], **options: Any) -> None:  # noqa: ANN401
        super().__init__(**options)
        self._reads = reads

    def clean(self, value: Any) -> Any:  # noqa: ANN401 - whatever it reads
        return self._reads(super().clean(value))


def line(
    label: Any,  # noqa: ANN401
    hint: Any = "",  # noqa: ANN401
    *,
    required: bool = True,
    most: int = 2000,
    **attributes: Any,  # noqa: ANN401
) -> forms.CharField:
    """A line of text."""
    return forms.CharField(
        label=label,
        help_text=hint,
        required=required,
        max_length=most,
        widget=forms.TextInput(attrs={"class": "inp", **_PLAIN, **attributes}),
        error_messages=words_for(label, most=most),
    )


def text(
    label: Any,  # noqa: ANN401
    hint: Any = "",  # noqa: ANN401
    *,
    rows: int = 3,
    required: bool = False,
    most: int = 65_536,
    reads: Callable[[str], Any] = str,
) -> forms.CharField:
    """Several lines of text, handed on as what ``reads`` makes of them."""
    return _ReadField(
        reads=reads,
        label=label,
        help_text=hint,
        required=required,
        max_length=most,
        widget=forms.Textarea(attrs={**_CODE, "rows": rows}),
        error_messages=words_for(label, most=most),
    )


def secret(label: Any, hint: Any = "", *, missing: Any = "", **attributes: Any) -> forms.CharField:  # noqa: ANN401
    """A token to paste, which is never sent back. ``missing`` is said where there is none; else it may be left out."""
    return forms.CharField(
        label=label,
        help_text=hint,
        required=bool(missing),
        max_length=LONGEST_TOKEN,
        widget=Unshown(attrs={**_CODE, "rows": 4, **attributes}),
        error_messages=words_for(label, {"required": missing}, most=LONGEST_TOKEN),
    )


def number(label: Any, hint: Any = "") -> forms.IntegerField:  # noqa: ANN401
    """A whole number."""
    return forms.IntegerField(
        label=label,
        help_text=hint,
        widget=forms.NumberInput(attrs={"class": "inp", "autocomplete": "off"}),
        error_messages=words_for(label, _OF_A_NUMBER),
    )


def limit(label: Any, hint: Any = "") -> forms.IntegerField:  # noqa: ANN401
    """A whole number above 0, which may be left out."""
    return forms.IntegerField(
        label=label,
        help_text=hint,
        required=False,
        min_value=1,
        widget=forms.NumberInput(attrs={"class": "inp", "autocomplete": "off"}),
        error_messages=words_for(label, _OF_A_NUMBER),
    )


def several(label: Any, hint: Any = "", *, required: bool = True, **options: Any) -> forms.MultipleChoiceField:  # noqa: ANN401
    """Any of several."""
    more = {**_OF_A_CHOICE, "required": _("{label}: nothing is chosen. Choose at least one.")}
    return forms.MultipleChoiceField(
        label=label,
        help_text=hint,
        required=required,
        widget=forms.CheckboxSelectMultiple,
        error_messages=words_for(label, more),
        **options,
    )


def day(label: Any, hint: Any = "", *, required: bool = False) -> forms.DateField:  # noqa: ANN401
    """A calendar day."""
    return forms.DateField(
        label=label,
        help_text=hint,
        required=required,
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(attrs={"class": "inp", "type": "date"}, format="%Y-%m-%d"),
        error_messages=words_for(label, _OF_A_DAY),
    )


def tick(label: Any, hint: Any = "") -> forms.BooleanField:  # noqa: ANN401
    """A yes or no."""
    return forms.BooleanField(label=label, help_text=hint, required=False)


def choice(label: Any, hint: Any = "", **options: Any) -> forms.ChoiceField:  # noqa: ANN401
    """One of several."""
    widget = forms.Select(attrs={"class": "inp"})
    words = words_for(label, _OF_A_CHOICE)
    return forms.ChoiceField(label=label, help_text=hint, widget=widget, error_messages=words, **options)
