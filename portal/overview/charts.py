"""Pictures drawn on the server: values in, SVG out. No style attribute (the content security policy allows none).

They need no script, print, and take their colours from the theme by class. Every chart has a table with the same data.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.html import format_html, format_html_join

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.utils.safestring import SafeString

WIDTH: Final = 600
HEIGHT: Final = 200
LINES: Final = 4
LABELLED: Final = 3
_STEPS: Final = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One line of a chart: its name, its values, and its colour class."""

    name: str
    values: tuple[int, ...]
    colour: str


def ceiling(highest: int) -> int:
    """The top of the axis: at least the highest value, and a figure that divides by the number of lines."""
    if highest <= LINES:
        return LINES
    unit = highest / LINES
    power = 10 ** (len(str(int(unit))) - 1)
    step = next(factor * power for factor in _STEPS if factor * power >= unit)
    return int(step * LINES) if float(step).is_integer() else int(-(-step // 1) * LINES)


def area(sentence: str, hours: Sequence[str], series: Sequence[Series]) -> SafeString:
    """Lines over 24 hours with a filled area. ``sentence`` says what the picture shows, for those who do not see it."""
    top = ceiling(max((value for line in series for value in line.values), default=0))
    data = json.dumps({"x": list(hours), "s": [{"n": line.name, "v": list(line.values)} for line in series]})
    labels = [f"{top * (LINES - row) // LINES:,}" for row in range(LINES + 1)]
    return format_html(
        '<ho-chart data-series="{}"><figure class="chart"><div class="y" aria-hidden="true">{}</div>'
        '<svg viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}{}</svg>'
        '<div class="x" aria-hidden="true">{}</div></figure></ho-chart>',
        data,
        format_html_join("", "<span>{}</span>", ((label,) for label in labels)),
        WIDTH,
        HEIGHT,
        sentence,
        format_html_join("", '<line class="gl" x1="0" x2="{0}" y1="{1}" y2="{1}"/>', _grid()),
        format_html_join("", "{}", ((_line(line, top),) for line in series)),
        format_html_join("", "<span>{}</span>", ((_label(at, hour),) for at, hour in enumerate(hours))),
    )


def _label(at: int, hour: str) -> str:
    """Every third hour is named, under its own point."""
    return "" if at % LABELLED else hour


def _grid() -> list[tuple[int, int]]:
    return [(WIDTH, row * HEIGHT // LINES) for row in range(LINES + 1)]


def _line(line: Series, top: int) -> SafeString:
    points = _points(line.values, WIDTH, HEIGHT, top)
    return format_html(
        '<polygon class="ar {0}" points="0,{2} {1} {3},{2}"/><polyline class="ln {0}" points="{1}"/>',
        line.colour,
        points,
        HEIGHT,
        WIDTH,
    )


def _points(values: Sequence[int], width: int, height: int, top: int) -> str:
    last = max(1, len(values) - 1)
    return " ".join(f"{at * width / last:.1f},{height - value * height / top:.1f}" for at, value in enumerate(values))


def spark(values: Sequence[int], colour: str) -> SafeString:
    """A small line beside its figure, from zero to its own highest value."""
    points = _points(values, 100, 30, max(max(values, default=0), 1))
    return format_html(
        '<svg class="spark" viewBox="0 -1 100 33" preserveAspectRatio="none" aria-hidden="true">'
        '<polygon class="ar {0}" points="0,32 {1} 100,32"/><polyline class="ln {0}" points="{1}"/></svg>',
        colour,
        points,
    )


def meter(part: int, whole: int, tone: str) -> SafeString:
    """A bar whose length is the share of a whole, at least one unit where there is anything to show."""
    share = max(1, round(100 * part / whole)) if part and whole else 0
    return format_html(
        '<svg class="meter-x {}" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">'
        '<rect width="100" height="6"/><rect width="{}" height="6"/></svg>',
        tone,
        share,
    )
