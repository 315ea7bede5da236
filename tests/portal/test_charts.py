"""Pictures: true to their values, and inert whatever the words around them."""

from __future__ import annotations

import json
import re
from html import unescape
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.overview import charts

HOURS = [f"{hour:02}:00" for hour in range(24)]
counts = st.lists(st.integers(0, 2_000_000), min_size=24, max_size=24).map(tuple)


@given(st.integers(0, 10_000_000))
def test_the_axis_reaches_over_the_highest_value_and_its_lines_are_whole_figures(highest: int) -> None:
    top = charts.ceiling(highest)
    assert top >= highest
    assert top % charts.LINES == 0
    assert top <= max(4 * highest, 4)


@given(counts)
def test_no_point_leaves_the_picture(values: tuple[int, ...]) -> None:
    picture = str(charts.area("Exchanges.", HOURS, [charts.Series(name="Granted", values=values, colour="c1")]))
    for points in re.findall(r'points="([^"]*)"', picture):
        for x, y in (pair.split(",") for pair in points.split()):
            assert 0 <= float(x) <= charts.WIDTH
            assert 0 <= float(y) <= charts.HEIGHT


def test_the_read_out_has_the_values_of_the_picture() -> None:
    picture = str(charts.area("Exchanges.", HOURS, [charts.Series(name="Granted", values=(3,) * 24, colour="c1")]))
    data = json.loads(unescape(re.search(r'data-series="([^"]*)"', picture)[1]))  # type: ignore[index]
    assert data == {"x": HOURS, "s": [{"n": "Granted", "v": [3] * 24}]}


def test_every_third_hour_is_named_under_its_own_point() -> None:
    picture = str(charts.area("Exchanges.", HOURS, [charts.Series(name="Granted", values=(0,) * 24, colour="c1")]))
    labels = re.findall(r"<span>([^<]*)</span>", picture.partition('class="x"')[2])
    assert [label for label in labels if label] == HOURS[::3]
    assert [at for at, label in enumerate(labels) if label] == list(range(0, 24, 3))


def test_words_cannot_break_out_of_a_picture() -> None:
    hostile = '"><script>alert(1)</script>'
    picture = str(charts.area(hostile, HOURS, [charts.Series(name=hostile, values=(0,) * 24, colour="c1")]))
    assert "<script" not in picture
    ET.fromstring(picture)


@pytest.mark.parametrize(("part", "whole", "width"), [(0, 0, 0), (0, 9, 0), (1, 10_000, 1), (5, 10, 50), (10, 10, 100)])
def test_a_meter_is_as_long_as_its_share(part: int, whole: int, width: int) -> None:
    assert f'<rect width="{width}" height="6"/>' in str(charts.meter(part, whole, ""))


def test_a_spark_of_nothing_is_a_flat_line() -> None:
    assert '<polyline class="ln c1" points="0.0,30.0 100.0,30.0"/>' in str(charts.spark([0, 0], "c1"))
