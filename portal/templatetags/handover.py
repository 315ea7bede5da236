"""What templates print: icons, badges, instants in UTC, lengths of time, initials, and pictures."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from django import template
from django.conf import settings
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, ngettext

from portal.overview import charts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

register = template.Library()

MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)

_DRAWING: Final = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)
_FRAME: Final = re.compile(r'<path\s+stroke="none"[^>]*/>')


@lru_cache(maxsize=128)
def _drawing(name: str) -> str:
    text = (settings.BASE_DIR / "templates" / "icons" / f"{name}.svg").read_text(encoding="utf-8")
    drawing = _DRAWING.search(text)
    return " ".join(_FRAME.sub("", drawing[1]).split()) if drawing else ""


@register.simple_tag
def icon(name: str, size: str = "") -> SafeString:
    """An outline from the vendored set, inline so that it takes the colour of its text. Decoration only: no name."""
    return _outline(name, size)


@lru_cache(maxsize=256)
def _outline(name: str, size: str) -> SafeString:
    drawing = mark_safe(_drawing(name))  # noqa: S308 - a vendored file, whose hash is checked
    return format_html('<svg class="icon {}" viewBox="0 0 24 24" aria-hidden="true">{}</svg>', size, drawing)


@register.simple_tag
def badge(text: object, tone: str = "") -> SafeString:
    """A state as a word with a dot: ``ok``, ``warn``, ``bad``, ``info`` or neutral. Never colour alone."""
    return format_html('<span class="badge-x {}">{}</span>', tone, text)


@register.simple_tag
def initials(name: object) -> str:
    """Up to two letters that stand for a name in its picture."""
    words = re.findall(r"\w+", str(name).partition("@")[0])
    return "".join(word[0] for word in words[:2]).upper()


@register.simple_tag
def clock(at: datetime | None, style: str = "full") -> SafeString | str:
    """An instant in UTC; the element adds the reader's own time on hover. Styles: ``full``, ``row`` and ``hour``."""
    if at is None:
        return gettext("never")
    at = at.astimezone(UTC)
    formats = {"full": "j M Y, H:i:s", "row": "j M, H:i:s", "hour": "H:i"}
    text = date_format(at, formats[style])
    if style == "full":
        text = gettext("%(time)s UTC") % {"time": text}
    return format_html('<ho-time datetime="{}">{}</ho-time>', at.isoformat(timespec="milliseconds"), text)


@register.filter
def written(value: object) -> str:
    """A value of a declaration on one line; what is not set is a dash."""
    if value is None or (isinstance(value, str | list | dict) and not value):
        return "\u2013"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@register.filter
def as_json(value: object) -> str:
    """A value for a script of ours to read, in a ``data-`` attribute."""
    return json.dumps(value)


@register.filter
def day(value: date | None) -> str:
    """A calendar day."""
    return date_format(value, "j M Y") if value else gettext("not set")


@register.filter
def day_of(value: datetime) -> str:
    """The calendar day of an instant, in UTC."""
    return day(value.astimezone(UTC).date())


@register.filter
def thousands(value: int) -> str:
    """An exact count with its thousands set apart."""
    return number_format(value, use_l10n=True, force_grouping=True)


@register.filter
def share(part: int, whole: int) -> str:
    """A share in per cent, to one place; of nothing it is 0%."""
    per_cent = round(100 * part / whole, 1) if whole else 0
    return gettext("%(share)s%%") % {"share": number_format(per_cent, decimal_pos=1)}


@register.filter
def ago(at: datetime | None, now: datetime) -> str:
    """How long ago, up to a day; the day itself before that."""
    if at is None:
        return gettext("never")
    passed = now - at
    if passed >= DAY:
        return day(at.astimezone(UTC).date())
    return gettext("just now") if passed < MINUTE else gettext("%(length)s ago") % {"length": lasting(passed)}


@register.filter
def lasting(value: timedelta) -> str:
    """A length of time in its largest fitting units: 90 s, 5 min, 1 h 30 min, 3 days."""
    seconds = int(value.total_seconds())
    if value < 2 * MINUTE and seconds % 60:
        return gettext("%(count)d s") % {"count": seconds}
    if value < HOUR:
        return gettext("%(count)d min") % {"count": seconds // 60}
    if value < 2 * DAY:
        hours, minutes = divmod(seconds // 60, 60)
        text = gettext("%(count)d h") % {"count": hours}
        return text + (" " + gettext("%(count)d min") % {"count": minutes} if minutes else "")
    return ngettext("%(count)d day", "%(count)d days", value.days) % {"count": value.days}


@register.filter
def pretty(value: Any) -> str:  # noqa: ANN401 - JSON of an event
    """JSON for reading. Escaped by the template like any text."""
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)


@register.filter
def short(value: object) -> str:
    """The last eight characters of an identifier that stands in full nearby: those of a UUIDv7 are its random ones."""
    return f"…{str(value)[-8:]}"


@register.simple_tag
def meter(part: int, whole: int, tone: str = "") -> SafeString:
    """A bar whose length is a share; the figure stands beside it in text."""
    return charts.meter(part, whole, tone)


@register.simple_tag
def spark(values: Sequence[int], colour: str = "c1") -> SafeString:
    """A small line without axes, beside the figure it belongs to."""
    return charts.spark(values, colour)


@register.filter
def in_order(names: Iterable[str]) -> list[str]:
    """Names out of a set, in an order that stays the same."""
    return sorted(names)
