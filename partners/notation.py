"""How the single values of a configuration are written, and their limits: one place for documents, pages and the API.

Every type says what it expects in words (``Notation``), so that an error and the reference page cannot disagree.
Limits mirror the constraints of the database; a test compares the two at every border.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer
from pydantic_core import PydanticCustomError

from partners.allowances import MAX_BURST, MAX_QUOTA, MAX_RATE
from partners.certificate_names import expected_of, is_written_right
from partners.trust_anchors import AnchorsRefused, accept_anchors
from partners.vocabulary import CertificateName
from policy import claim_names
from policy.expression_grammar import MAX_SOURCE_BYTES

T = TypeVar("T", bound=tuple[Any, ...])

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION: Final = re.compile(r"(\d{1,9})([smhd])", re.ASCII)
_VISIBLE: Final = re.compile(r"[!-~]+")
_TRUST_DOMAIN: Final = re.compile(r"spiffe://[a-z0-9._-]{1,255}", re.ASCII)
LONGEST_URL: Final = 512


@dataclass(frozen=True, slots=True)
class Notation:
    """A kind of value in the words of the reference page; ``expected`` is also what an error says."""

    kind: str
    expected: str


@dataclass(frozen=True, slots=True)
class RefersTo:
    """The field names another object by its ``name``. ``kind`` is that object's kind."""

    kind: str


def not_expected(expected: str) -> PydanticCustomError:
    """The one error of this module: what a value should have been."""
    return PydanticCustomError("expected", "{expected}", {"expected": expected})


def _check(is_right: Callable[[Any], bool], expected: str) -> AfterValidator:
    def validate(value: T) -> T:
        if not is_right(value):
            raise not_expected(expected)
        return value

    return AfterValidator(validate)


def _matches(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda value: compiled.fullmatch(value) is not None


def _line(longest: int, shortest: int = 0) -> Callable[[str], bool]:
    return lambda value: shortest <= len(value) <= longest and (value.isprintable())


def _is_text(value: str) -> bool:
    return len(value) <= 2000 and value.replace("\n", "").isprintable()  # noqa: PLR2004 - the column's length


def _is_expression(value: str) -> bool:
    return 0 < len(value.encode("utf-8", "surrogatepass")) <= MAX_SOURCE_BYTES


def _is_email(value: str) -> bool:
    try:
        validate_email(value)
    except ValidationError:
        return False
    return len(value) <= 254  # noqa: PLR2004 - the column's length


def _is_url(value: str) -> bool:
    """An absolute URL without fragment, and a host that parses. ``urlsplit`` alone drops line breaks and tabs."""
    if not _VISIBLE.fullmatch(value) or len(value) > LONGEST_URL or "#" in value:
        return False
    try:
        parts = urlsplit(value)
        return bool(parts.scheme) and parts.port != 0
    except ValueError:
        return False


def _is_server(value: str) -> bool:
    """Where keys come from: no user in it (it would be a secret in a log), no other scheme than http(s)."""
    return _is_url(value) and value.startswith(("https://", "http://")) and bool(_host(value)) and "@" not in value


def _is_trust_domain(value: str) -> bool:
    """A SPIFFE trust domain as an address without a path (SPIFFE-ID sections 2.1 and 2.3)."""
    return _TRUST_DOMAIN.fullmatch(value) is not None


def _host(value: str) -> str | None:
    return urlsplit(value).hostname


def _is_redirect(value: str) -> bool:
    return _is_server(value) and "*" not in value


def _anchors(value: str) -> str:
    try:
        return accept_anchors(value)
    except AnchorsRefused as error:
        raise not_expected(f"acceptable trust anchors. {error}") from error


def parse_duration(value: object) -> timedelta:
    """``300s``, ``5m``, ``1h`` or ``1d``: a whole number and a unit."""
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise not_expected("a duration: a whole number and s, m, h or d, such as 300s or 5m")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def format_duration(value: timedelta) -> str:
    """The shortest way to write a duration, in the largest unit that divides it."""
    seconds = int(value.total_seconds())
    unit = next(unit for unit in ("d", "h", "m", "s") if seconds % _UNITS[unit] == 0 and (seconds or unit == "s"))
    return f"{seconds // _UNITS[unit]}{unit}"


def _within(low: timedelta, high: timedelta) -> tuple[AfterValidator, Notation]:
    expected = f"a duration from {format_duration(low)} to {format_duration(high)}"
    return _check(lambda value: low <= value <= high, expected), Notation("duration", expected)


def _sorted_once(values: T) -> T:
    """A set, in one order whatever the order it was written in, so that only a real change is a change."""
    if len(set(values)) != len(values):
        raise not_expected("a list that holds each value once")
    return tuple(sorted(values))  # type: ignore[return-value]


OnceEach: Final = AfterValidator(_sorted_once)

SLUG: Final = "1 to 63 lower-case letters, digits and hyphens, no hyphen at the ends"
CLIENT_NAME: Final = "1 to 100 visible ASCII characters"
SCOPE_NAME: Final = '1 to 128 visible ASCII characters except " and \\ (RFC 6749 section 3.3)'
AUDIENCE: Final = "1 to 255 visible ASCII characters"
RESOURCE: Final = "an absolute URI without fragment, at most 512 characters (RFC 8707 section 2)"
ISSUER: Final = "an https URL without user, query or fragment, at most 512 characters"
WORKLOAD_ISSUER: Final = f"{ISSUER}, or spiffe:// and a trust domain"
KEY_SET_URL: Final = "an https URL without user or fragment, at most 512 characters"
REDIRECT_URI: Final = "an absolute URL without user, wildcard or fragment, at most 512 characters"
EMAIL: Final = "an e-mail address of at most 254 characters"
TITLE: Final = "one line of at most 120 characters"
FULL_TITLE: Final = "one line of 1 to 120 characters"
SENTENCE: Final = "one line of 1 to 500 characters"
TEXT: Final = "text of at most 2000 characters"
CLAIM: Final = "the name of a claim, 1 to 255 characters"
CARRIED: Final = f"the name of a claim: {claim_names.EXPECTED}"
EXPRESSION: Final = f"an expression in CEL, 1 to {MAX_SOURCE_BYTES} bytes"

Slug = Annotated[str, _check(_matches(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"), SLUG), Notation("name", SLUG)]
ClientName = Annotated[str, _check(_matches(r"[!-~]{1,100}"), CLIENT_NAME), Notation("client id", CLIENT_NAME)]
ScopeName = Annotated[
    str, _check(_matches(r"[\x21\x23-\x5B\x5D-\x7E]{1,128}"), SCOPE_NAME), Notation("scope", SCOPE_NAME)
]
Audience = Annotated[str, _check(_matches(r"[!-~]{1,255}"), AUDIENCE), Notation("text", AUDIENCE)]
ResourceUri = Annotated[str, _check(_is_url, RESOURCE), Notation("URI", RESOURCE)]
IssuerUrl = Annotated[
    str, _check(lambda value: _is_server(value) and "?" not in value, ISSUER), Notation("URL", ISSUER)
]
WorkloadIssuer = Annotated[
    str,
    _check(lambda value: (_is_server(value) and "?" not in value) or _is_trust_domain(value), WORKLOAD_ISSUER),
    Notation("URL", WORKLOAD_ISSUER),
]
RemoteClientId = Annotated[str, _check(_matches(r"[!-~]{1,255}"), AUDIENCE), Notation("text", AUDIENCE)]
KeySetUrl = Annotated[str, _check(_is_server, KEY_SET_URL), Notation("URL", KEY_SET_URL)]
Jwks = Annotated[
    dict[str, object],
    Notation("key set", "a JSON Web Key Set of public keys, or {file: PATH} that holds one (RFC 7517 section 5)"),
]
RedirectUri = Annotated[str, _check(_is_redirect, REDIRECT_URI), Notation("URL", REDIRECT_URI)]
EmailAddress = Annotated[str, _check(_is_email, EMAIL), Notation("e-mail address", EMAIL)]
Title = Annotated[str, _check(_line(120), TITLE), Notation("text", TITLE)]
FullTitle = Annotated[str, _check(_line(120, 1), FULL_TITLE), Notation("text", FULL_TITLE)]
Sentence = Annotated[str, _check(_line(500, 1), SENTENCE), Notation("text", SENTENCE)]
Text = Annotated[str, _check(_is_text, TEXT), Notation("text", TEXT)]
ClaimName = Annotated[str, _check(_line(255, 1), CLAIM), Notation("text", CLAIM)]
CarriedName = Annotated[str, _check(claim_names.is_carried_name, CARRIED), Notation("claim", CARRIED)]
Expression = Annotated[str, _check(_is_expression, EXPRESSION), Notation("expression", EXPRESSION)]
Day = Annotated[date, Notation("date", "a date such as 2027-03-31")]
Flag = Annotated[bool, Notation("true or false", "true or false")]

_Duration = Annotated[timedelta, BeforeValidator(parse_duration), PlainSerializer(format_duration)]
TargetLifetime = Annotated[_Duration, *_within(timedelta(seconds=30), timedelta(hours=1))]
Lifetime = Annotated[_Duration, *_within(timedelta(seconds=1), timedelta(hours=1))]
Leeway = Annotated[_Duration, *_within(timedelta(0), timedelta(seconds=60))]
SubjectLifetime = Annotated[_Duration, *_within(timedelta(seconds=1), timedelta(days=1))]


def _count(low: int, high: int) -> tuple[AfterValidator, Notation]:
    expected = f"a whole number from {low} to {high}"
    return _check(lambda value: low <= value <= high, expected), Notation("number", expected)


Depth = Annotated[int, *_count(0, 4)]
Position = Annotated[int, *_count(0, 1_000_000)]


def _certificate_name(kind: CertificateName) -> tuple[AfterValidator, Notation]:
    expected = expected_of(kind)
    return _check(lambda value: is_written_right(kind, value), expected), Notation("text", expected)


SubjectName = Annotated[str, *_certificate_name(CertificateName.SUBJECT_DN)]
DnsName = Annotated[str, *_certificate_name(CertificateName.SAN_DNS)]
UriName = Annotated[str, *_certificate_name(CertificateName.SAN_URI)]
IpName = Annotated[str, *_certificate_name(CertificateName.SAN_IP)]
EmailName = Annotated[str, *_certificate_name(CertificateName.SAN_EMAIL)]
TrustAnchors = Annotated[
    str,
    AfterValidator(_anchors),
    Notation("certificates", "PEM certificates of authorities, or {file: PATH} that holds them (RFC 7468)"),
]

RequestRate = Annotated[
    int,
    *_count(1, MAX_RATE),
    Field(description="The most requests in a minute; left out: what the installation says."),
]
Burst = Annotated[
    int,
    *_count(1, MAX_BURST),
    Field(description="How many of those may come at once; left out: what comes in ten seconds, at least ten."),
]
DailyQuota = Annotated[
    int, *_count(1, MAX_QUOTA), Field(description="The most requests in a day, from midnight UTC; left out: no quota.")
]
