"""``make pages`` in small: every page has its place, is asked for, counted and weighed."""

from __future__ import annotations

import pytest

from tests.bench import page_figures, page_report
from tests.bench.page_list import ELSEWHERE, Page, pages
from tests.bench.page_weight import Weight
from tests.portal.test_doors import DOORS


def test_every_address_without_arguments_is_measured_or_known_to_be_something_else() -> None:
    addressed = {page.address for page in pages(dict.fromkeys(("slug", "client_id", "old", "reference"), "kestrel"))}
    plain = {name: address for name, address, _ in DOORS if "kestrel" not in address and "0199e0c4" not in address}
    missing = {name for name, address in plain.items() if address not in addressed and "/1" not in address}
    assert missing <= ELSEWHERE


@pytest.mark.usefixtures("committed_database")
def test_a_page_is_asked_for_counted_and_weighed() -> None:
    page_figures.furnish(partners=3, mappings=6, exchanges=30, events=60)
    said: list[str] = []
    (timing, *others) = page_figures.timings(times=2, only="/exchanges?range=30d", say=said.append)
    assert len(said) == 1 + len(others)
    assert 0 < timing.queries <= page_figures.MOST_QUERIES
    assert 0 < timing.weight.scripts < timing.weight.total < page_figures.MOST_BYTES
    assert min(timing.middle, timing.p95) > 0
    text = page_report.markdown([timing], page_figures.sizes(), times=2)
    assert "3 partners" in text
    assert text.count(timing.page.name) == 1


def test_what_is_over_a_budget_is_named() -> None:
    page = Page(name="exchanges", address="/exchanges")
    weight = Weight(total=1000, scripts=100)
    slow = page_figures.Timing(page=page, middle=99, p95=151, processor=20, queries=3, weight=weight)
    heavy = page_figures.Timing(
        page=page, middle=9, p95=15, processor=20, queries=3, weight=Weight(total=241_000, scripts=1)
    )
    assert slow.is_over
    assert heavy.is_over
    assert "Over a budget: `exchanges`" in page_report.markdown([slow], {"partners": 1}, times=1)
