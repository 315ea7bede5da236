"""Filters in an address: read, written, and read again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from audit.selectors import Outcome
from policy.reasons import Reason
from portal.filters import RANGES, ExchangeFilter, PartnerFilter

NOW = datetime(2026, 3, 17, 14, 30, tzinfo=UTC)
text = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), max_size=20)


@given(
    st.builds(
        ExchangeFilter,
        q=text,
        range=st.sampled_from(list(RANGES)),
        outcome=st.sampled_from(["", *Outcome]),
        reason=st.sampled_from(["", *Reason]),
        partner=text,
        client=text,
        target=text,
    )
)
def test_what_is_written_into_an_address_is_read_from_it_again(chosen: ExchangeFilter) -> None:
    assert ExchangeFilter.read(QueryDict(chosen.query().removeprefix("?"))) == chosen


@pytest.mark.parametrize("query", ["range=century", "outcome=maybe", "reason=no.such", "other=1", ""])
def test_values_that_mean_nothing_narrow_nothing(query: str) -> None:
    assert ExchangeFilter.read(QueryDict(query)) == ExchangeFilter()


def test_a_reference_is_looked_for_at_any_time() -> None:
    chosen = ExchangeFilter(q="0199e0c4-7c1e-7a40-a940-5b0e1f2391d2")
    assert chosen.since(NOW) is None
    assert ExchangeFilter(q="kestrel").since(NOW) == NOW - timedelta(hours=24)


@pytest.mark.parametrize(
    "pasted",
    [
        "The subject token has expired. Get a new one. Reference 0199e0c4-7c1e-7a40-a940-5b0e1f2391d2.",
        '{"error":"invalid_target","error_description":"... Reference 0199E0C4-7C1E-7A40-A940-5B0E1F2391D2."}',
        "x-correlation-id: 0199e0c4-7c1e-7a40-a940-5b0e1f2391d2",
        "0199e0c47c1e7a40a9405b0e1f2391d2",
    ],
)
def test_a_reference_is_found_in_whatever_the_caller_passed_on(pasted: str) -> None:
    assert ExchangeFilter(q=pasted).reference == UUID("0199e0c4-7c1e-7a40-a940-5b0e1f2391d2")


def test_a_chip_takes_away_one_filter_and_leaves_the_others() -> None:
    chosen = ExchangeFilter(outcome="refused", partner="kestrel", range="7d")
    assert chosen.narrowing == (("outcome", "refused"), ("partner", "kestrel"))
    assert chosen.without("outcome").query() == "?range=7d&partner=kestrel"


def test_an_address_never_grows_beyond_what_a_filter_can_mean() -> None:
    assert len(ExchangeFilter.read(QueryDict("q=" + "x" * 9000)).q) == 255


def test_the_list_of_partners_keeps_its_filter_from_page_to_page() -> None:
    chosen = PartnerFilter.read(QueryDict("q=kes&state=active&order=-name&after=zzz"), ["active"])
    assert chosen.query(after="kestrel") == "?q=kes&state=active&order=-name&after=kestrel"
    assert PartnerFilter.read(QueryDict("state=asleep"), ["active"]).query() == "?"
