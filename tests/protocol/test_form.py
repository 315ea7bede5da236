"""The form body of a token request: RFC 6749 section 3.2 and Appendix B."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.protocol.errors import OAuthError
from exchange.protocol.form import MAX_PARAMETERS, REPEATABLE, parse_form
from policy.reasons import Reason
from tests.conformance.rules import rule

TEXTS = st.text(st.characters(exclude_characters="\0\x1f", exclude_categories=["Cs"]), max_size=12)


def refused(body: bytes) -> Reason:
    with pytest.raises(OAuthError) as caught:
        parse_form(body)
    return caught.value.reason


@given(values=st.dictionaries(TEXTS, TEXTS, max_size=8))
def test_a_form_means_what_pythons_encoder_wrote(values: dict[str, str]) -> None:
    form = parse_form(urlencode(values).encode())
    assert all(form.get(name) == (value or None) for name, value in values.items())


@given(body=st.lists(st.sampled_from(["a", "b", "=", "&", "%2B", "%61", "+", "%c3%a9"]), max_size=14).map("".join))
def test_a_form_reads_like_pythons_parser_or_is_refused_for_a_repetition(body: str) -> None:
    pairs = parse_qsl(body, keep_blank_values=True)
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        assert refused(body.encode()) is Reason.PARAMETER_REPEATED
    else:
        form = parse_form(body.encode())
        assert all(form.get(name) == (value or None) for name, value in pairs)


@given(body=st.binary(max_size=40))
def test_any_body_is_a_form_or_refused_in_protocol_words(body: bytes) -> None:
    reason = None
    try:
        parse_form(body)
    except OAuthError as error:
        reason = error.reason
    assert reason in {None, Reason.REQUEST_MALFORMED, Reason.PARAMETER_REPEATED}


@rule(2, "RFC 6749", "3.2")
@pytest.mark.parametrize("body", [b"scope=", b"scope", b"", b"&&", b"scope=&other=1"])
def test_an_empty_parameter_counts_as_absent(body: bytes) -> None:
    assert parse_form(body).get("scope") is None
    assert parse_form(body).all("scope") == ()


@rule(3, "RFC 6749", "3.2")
@pytest.mark.parametrize(
    "body",
    [b"a=1&a=1", b"a=1&a=2", b"a=1&b=2&a=", b"a=&a=", b"a&a", b"a=1&%61=2", b"unknown=1&unknown=2", b"a=1&&a=1"],
)
def test_a_parameter_sent_twice_is_refused_whatever_its_name_spelling_or_value(body: bytes) -> None:
    assert refused(body) is Reason.PARAMETER_REPEATED


@rule(3, "RFC 8693", "2.1")
@rule(3, "RFC 8707", "2")
@pytest.mark.parametrize("name", sorted(REPEATABLE))
def test_a_target_may_be_named_several_times(name: str) -> None:
    assert parse_form(f"{name}=x&{name}=y&{name}=".encode()).all(name) == ("x", "y")


@pytest.mark.parametrize("body", [b"a=%ff", b"a=\xff", b"%ff=1", b"a=%c3%28", b"a=%ed%a0%80"])
def test_what_is_not_utf8_is_refused(body: bytes) -> None:
    assert refused(body) is Reason.REQUEST_MALFORMED


@pytest.mark.parametrize("body", [b"a=%00", b"a=x\0y", b"%00=1", b"a=%1f", b"a=\x1f"])
def test_a_nul_or_the_records_own_separator_is_refused(body: bytes) -> None:
    assert refused(body) is Reason.REQUEST_MALFORMED


@rule(115, "own rule")
def test_more_parameters_than_any_request_has_are_refused() -> None:
    assert parse_form(b"&".join(b"p%d=1" % n for n in range(MAX_PARAMETERS))).get("p7") == "1"
    assert refused(b"&".join(b"p%d=1" % n for n in range(MAX_PARAMETERS + 1))) is Reason.REQUEST_MALFORMED
    assert refused(b"&" * 10_000) is Reason.REQUEST_MALFORMED


@pytest.mark.parametrize(
    ("body", "value"),
    [(b"a=b+c", "b c"), (b"a=b%2Bc", "b+c"), (b"a=%zz", "%zz"), (b"a=b=c", "b=c"), (b"a=%e2%82%ac", "€")],
)
def test_plus_and_percent_are_decoded_as_the_form_encoding_says(body: bytes, value: str) -> None:
    assert parse_form(body).get("a") == value
