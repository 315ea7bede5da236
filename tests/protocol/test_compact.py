"""A compact JWS has one spelling: RFC 7515 section 7.1, RFC 4648 section 3.5."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.protocol.compact import IsEncrypted, NotCompact, decode_segment, encode_segment, parse_compact
from policy.raw import RawToken
from tests.conformance.rules import rule

HEADER = encode_segment(b'{"alg":"ES256"}').decode()
CLAIMS = encode_segment(b'{"iss":"x"}').decode()
SIGNATURE = encode_segment(b"signature").decode()
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@given(raw=st.binary(max_size=64))
def test_a_segment_is_what_base64url_without_padding_says(raw: bytes) -> None:
    assert encode_segment(raw) == base64.urlsafe_b64encode(raw).rstrip(b"=")
    assert decode_segment(encode_segment(raw)) == raw


@rule(112, "RFC 8725bis", "3.14")
@given(segment=st.text(ALPHABET + "+/= \n.", max_size=24).map(str.encode) | st.binary(max_size=24))
def test_a_segment_is_read_only_in_its_one_spelling(segment: bytes) -> None:
    try:
        raw = decode_segment(segment)
    except NotCompact:
        return
    assert encode_segment(raw) == segment


MISSPELT = {
    "padding": "YWJj" + "ZA==",
    "one padding character": "YWI=",
    "a line break at the end": "YWJj\n",
    "a line break inside": "YW\nJj",
    "a blank": "YW Jj",
    "the standard alphabet's plus": "+-_A",
    "the standard alphabet's slash": "A/_-",
    "a single character": "A",
    "five characters": "YWJjZ",
    "bits that nothing stands for": "YWJjZB",
    "bits that nothing stands for, in two bytes": "YWJ",
    "a percent sign": "YW%4a",
    "a NUL": "YWJj\0",
}


@rule(112, "RFC 8725bis", "3.14")
@pytest.mark.parametrize("segment", MISSPELT.values(), ids=MISSPELT.keys())
def test_another_spelling_is_refused(segment: str) -> None:
    with pytest.raises(NotCompact):
        decode_segment(segment.encode())


@rule(112, "RFC 8725bis", "3.14")
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("segment", MISSPELT.values(), ids=MISSPELT.keys())
def test_another_spelling_is_refused_in_every_part(segment: str, place: int) -> None:
    parts = [HEADER, CLAIMS, SIGNATURE]
    parts[place] = segment
    with pytest.raises(NotCompact):
        parse_compact(RawToken(".".join(parts)))


SHAPES = {
    "nothing": "",
    "one part": HEADER,
    "two parts": f"{HEADER}.{CLAIMS}",
    "four parts": f"{HEADER}.{CLAIMS}.{SIGNATURE}.",
    "six parts": "a.b.c.d.e.f",
    "a leading dot": f".{HEADER}.{CLAIMS}.{SIGNATURE}",
    "no header": f".{CLAIMS}.{SIGNATURE}",
    "no claims": f"{HEADER}..{SIGNATURE}",
    "only dots": "..",
    "the JSON serialisation": '{"payload":"e30","signatures":[]}',
    "the flattened serialisation": '{"payload":"e30","protected":"e30","signature":"e30"}',
    "a letter that is not ASCII": f"{HEADER}.{CLAIMS}.é",
    "digits that are not ASCII": f"{HEADER}.{CLAIMS}.\u0661",
    "half a surrogate pair": f"{HEADER}.{CLAIMS}.\ud800",
    "a blank before": f" {HEADER}.{CLAIMS}.{SIGNATURE}",
    "a line break after": f"{HEADER}.{CLAIMS}.{SIGNATURE}\n",
    "a header that is a list": f"W10.{CLAIMS}.{SIGNATURE}",
    "claims that are a list": f"{HEADER}.W10.{SIGNATURE}",
    "claims that are text": f"{HEADER}.ImEi.{SIGNATURE}",
}


@rule(112, "RFC 8725bis", "3.14")
@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES.keys())
def test_what_is_not_three_parts_of_json_and_bytes_is_refused(text: str) -> None:
    with pytest.raises(NotCompact):
        parse_compact(RawToken(text))


@rule(107, "RFC 8725bis", "3.3")
def test_five_parts_are_an_encrypted_token_whatever_they_hold() -> None:
    with pytest.raises(IsEncrypted):
        parse_compact(RawToken("not.even.base64url!.or.json"))


def test_the_signing_input_is_what_came_and_not_what_we_would_write() -> None:
    header, claims = encode_segment(b'{ "alg" : "ES256" }'), encode_segment(b'{"b":1 , "a":2}')
    jws = parse_compact(RawToken(f"{header.decode()}.{claims.decode()}.{SIGNATURE}"))
    assert jws.signing_input == header + b"." + claims
    assert jws.unverified_claims == {"a": 2, "b": 1}
    assert jws.signature == b"signature"
