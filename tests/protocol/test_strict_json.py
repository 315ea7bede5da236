"""JSON as tokens need it: compared with Python's own parser, which keeps the last of two members and says nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.protocol.strict_json import MAX_DEPTH, NotStrictJson, parse_object
from tests.conformance.rules import rule


class RepeatedError(Exception):
    """The reference found a member twice."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise RepeatedError
    return dict(pairs)


def reference(text: str) -> Any:
    """What Python's parser makes of a text; integers beyond 64 bits are fractions, as in most JSON parsers."""
    return json.loads(text, object_pairs_hook=_once, parse_int=_integer)


def _integer(digits: str) -> float:
    value = int(digits)
    return value if -(2**63) <= value < 2**64 else float(value)


BLANKS = st.sampled_from(["", "", "", " ", "\t", "\n", "\r", " \n "])
TEXTS = st.sampled_from(
    [
        *(
            '"a"',
            '"b"',
            '"\\u0061"',
            '""',
            '":"',
            '"a\\":"',
            '"\\\\"',
            '"\\\\\\""',
            '"{"',
            '"["',
            '"}"',
            '"a b"',
            '"\\n"',
        ),
        *('"\\" :"', '"\\":\\"a"', '"é"', '"\\u00e9"', '"\\ud83d\\ude00"', '"\U0001f600"', '"\\u0000"'),
    ]
)
SCALARS = st.one_of(
    TEXTS,
    st.sampled_from(["0", "-0", "1", "1.5", "-1e3", "1E+2", "true", "false", "null", "18446744073709551616", "1e-400"]),
    st.integers().map(str),
)


def _joined(parts: list[str], brackets: str, blank: str) -> str:
    return brackets[0] + blank + f"{blank},{blank}".join(parts) + blank + brackets[1]


def _nested(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    member = st.builds("{}{}:{}{}".format, TEXTS, BLANKS, BLANKS, inner)
    return st.one_of(
        st.builds(_joined, st.lists(inner, max_size=3), st.just("[]"), BLANKS),
        st.builds(_joined, st.lists(member, max_size=4), st.just("{}"), BLANKS),
    )


DOCUMENTS = st.builds("{}{}{}".format, BLANKS, st.recursive(SCALARS, _nested, max_leaves=12), BLANKS)


@rule(112, "RFC 8725bis", "3.14")
@given(text=DOCUMENTS)
def test_a_document_means_what_python_reads_or_is_refused_for_a_repeated_member(text: str) -> None:
    try:
        expected = reference(text)
    except RepeatedError:
        expected = None
    if isinstance(expected, dict):
        assert parse_object(text.encode()) == expected
    else:
        with pytest.raises(NotStrictJson):
            parse_object(text.encode())


@rule(112, "RFC 8725bis", "3.14")
@given(text=DOCUMENTS, position=st.integers(0, 400), replacement=st.binary(max_size=2))
def test_a_spoilt_document_is_refused_or_means_what_python_reads(text: str, position: int, replacement: bytes) -> None:
    raw = text.encode()
    spoilt = raw[:position] + replacement + raw[position + 1 :]
    try:
        parsed = parse_object(spoilt)
    except NotStrictJson:
        return
    assert parsed == reference(spoilt.decode())


REPEATED = {
    "side by side": b'{"a":1,"a":2}',
    "apart": b'{"a":1,"b":2,"a":3}',
    "with the same value": b'{"a":1,"a":1}',
    "a blank before the colon": b'{"a" :1,"a" :2}',
    "a tab before one colon": b'{"a":1,"a"\t:2}',
    "a line break before one colon": b'{"a":1,"a"\n:2}',
    "a carriage return before one colon": b'{"a":1,"a"\r:2}',
    "one of them escaped": b'{"a":1,"\\u0061":2}',
    "both escaped differently": b'{"\\u00e9":1,"\xc3\xa9":2}',
    "inside an object": b'{"x":{"a":1,"a":2}}',
    "inside an object in a list": b'{"x":[{"a":1,"a":2}]}',
    "hidden behind text that looks like members": b'{"x":"\\":\\":","a":1,"a":2}',
    "beside nothing else than blanks": b'{ "a" : 1 , "a" : 2 }',
    "the empty name": b'{"":1,"":2}',
    "exp, the second one later": b'{"exp":1,"iss":"x","exp":9999999999}',
}


@rule(112, "RFC 8725bis", "3.14")
@pytest.mark.parametrize("text", REPEATED.values(), ids=REPEATED.keys())
def test_a_member_named_twice_is_refused(text: bytes) -> None:
    with pytest.raises(NotStrictJson):
        parse_object(text)


HARMLESS = {
    "colons in values": b'{"a":":","b":"\\":"}',
    "text that looks like a member": b'{"a":"\\"a\\":1","b":"{\\"a\\":1}"}',
    "the same name at two levels": b'{"a":{"a":{"a":1}}}',
    "the same name in two objects of a list": b'{"a":[{"b":1},{"b":2}]}',
    "names that differ in case": b'{"a":1,"A":2}',
    "names that differ in normal form": '{"é":1,"e\u0301":2}'.encode(),
}


@pytest.mark.parametrize("text", HARMLESS.values(), ids=HARMLESS.keys())
def test_what_only_looks_like_a_repetition_is_read(text: bytes) -> None:
    assert parse_object(text) == json.loads(text)


NOT_OURS = {
    "nothing": b"",
    "a list": b"[]",
    "text": b'"a"',
    "null": b"null",
    "a number": b"1",
    "two documents": b"{}{}",
    "a trailing comma": b'{"a":1,}',
    "a comment": b"{/**/}",
    "single quotes": b"{'a':1}",
    "NaN": b'{"a":NaN}',
    "infinity": b'{"a":Infinity}',
    "a number that is infinite in effect": b'{"a":1e400}',
    "an integer of 5000 digits": b'{"a":{},"b":' + b"1" * 5000 + b"}",
    "a leading zero": b'{"a":01}',
    "a control character in text": b'{"a":"\x01"}',
    "a byte-order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "a byte that is not UTF-8": b'{"a":"\xff"}',
    "an overlong slash": b'{"a":"\xc0\xaf"}',
    "half a surrogate pair": b'{"a":"\\ud800"}',
    "a surrogate in UTF-8": b'{"a":"\xed\xa0\x80"}',
}


@rule(112, "RFC 8725bis", "3.14")
@pytest.mark.parametrize("text", NOT_OURS.values(), ids=NOT_OURS.keys())
def test_what_is_no_strict_json_object_is_refused(text: bytes) -> None:
    with pytest.raises(NotStrictJson):
        parse_object(text)


@rule(115, "own rule")
@pytest.mark.parametrize(("opening", "closing"), [(b'{"a":', b"}"), (b'{"a":[', b"]}")], ids=["objects", "lists"])
@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 1000, 100_000])
def test_deep_nesting_is_refused_before_anything_recursive_sees_it(opening: bytes, closing: bytes, levels: int) -> None:
    with pytest.raises(NotStrictJson):
        parse_object(opening * levels + b"1" + closing * levels)


@rule(115, "own rule")
def test_nesting_as_deep_as_allowed_is_read() -> None:
    text = b'{"a":' * MAX_DEPTH + b"1" + b"}" * MAX_DEPTH
    assert parse_object(text) == json.loads(text)
    assert parse_object(b'{"a":"' + b"[{" * 100 + b'"}') == {"a": "[{" * 100}
