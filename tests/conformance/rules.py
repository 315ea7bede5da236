"""The rules of the standards this product keeps, as values: number, level, step, sentence, sections.

The sentences are ours; where one and the document it names disagree, the document wins. ``rule`` marks a test with the
rule it holds up, and refuses a number or a section that is not in this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

OWN: Final = "own rule"
"""The source of a rule that no document states."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. ``level``: M must ship, S should. ``step``: when it falls due. ``sources``: document and section."""

    number: int
    level: str
    step: str
    sentence: str
    sources: tuple[tuple[str, str], ...]

    @property
    def is_due(self) -> bool:
        """Whether a build without a test for it is broken: it must ship, or a step that is done named it."""
        return self.step <= DUE_STEP and (self.level == "M" or self.number in NAMED)

    @property
    def cited(self) -> str:
        """The sources in one line."""
        return "; ".join(f"{document} {section}".strip() for document, section in self.sources)


DUE_STEP: Final = "C"
NAMED: Final = frozenset({61, 71, 81, 87})
"""Rules that should ship, and that a step names: then they must."""


def rule(number: int, document: str, section: str = "") -> pytest.MarkDecorator:
    """Marks a test with the rule it holds up, citing one of the rule's own sources."""
    known = RULES.get(number)
    if known is None or (document, section) not in known.sources:
        cited = known.cited if known else "no such rule"
        raise pytest.UsageError(f"rule({number}, {document!r}, {section!r}) is not in the table: {cited}")
    return pytest.mark.rule(number, document, section)


def _r(number: int, level: str, step: str, sentence: str, cited: str) -> Rule:
    """A row of the table. ``cited`` is written as ``RFC 8725 3.1, 3.2; RFC 7515 4.1.11``."""
    return Rule(number=number, level=level, step=step, sentence=sentence, sources=tuple(_sources(cited)))


def _sources(cited: str) -> Iterator[tuple[str, str]]:
    for group in cited.split("; "):
        first, *others = group.split(", ")
        document, _, section = first.rpartition(" ")
        yield (document, section) if document else (OWN, "")
        yield from ((document, other) for other in others)


SECTIONS: Final[Mapping[str, tuple[Rule, ...]]] = {
    "Token endpoint basics": (
        _r(1, "M", "A", "The endpoint takes form-encoded POST bodies; other methods get 405.", "RFC 6749 3.2"),
        _r(2, "M", "A", "An empty parameter counts as absent; an unknown one is ignored.", "RFC 6749 3.2"),
        _r(3, "M", "A", "A repeated parameter is refused, but for targets.", "RFC 6749 3.2; RFC 8693 2.1; RFC 8707 2"),
        _r(4, "M", "A", "The query string is never read.", "RFC 6749 2.3.1"),
        _r(5, "M", "A", "Basic credentials are form-decoded, so odd characters work.", "RFC 6749 2.3.1, B"),
        _r(
            6,
            "M",
            "A",
            "One client authentication method per request; two ids that differ are refused.",
            "RFC 6749 2.3",
        ),
        _r(
            7, "M", "A", "A failed authentication is 401, challenged if asked for, and reveals nothing.", "RFC 6749 5.2"
        ),
        _r(8, "M", "A", "A success names the token, its type, its life and its scope.", "RFC 6749 5.1"),
        _r(9, "M", "A", "No answer of the token endpoint may be stored.", "RFC 6749 5.1"),
        _r(10, "M", "A", "Errors are JSON with an error word and plain printable text.", "RFC 6749 5.2"),
        _r(11, "M", "A", "Grants not allowed, not known, and bad scopes have their own words.", "RFC 6749 5.2"),
        _r(12, "M", "A", "Scope values are separated by spaces, exact, of the allowed characters.", "RFC 6749 3.3"),
        _r(
            13,
            "M",
            "B",
            "A resource takes tokens in the header, never in the URL.",
            "RFC 6750 2.1, 2.3; RFC 9700 4.3.2",
        ),
        _r(14, "M", "B", "A resource answers a bad token by 401 or 403, with the right word.", "RFC 6750 3, 3.1"),
        _r(15, "M", "B", "The scheme's name is compared without case.", "RFC 6750 2.1; RFC 9110 11.1"),
    ),
    "Token exchange: the request": (
        _r(16, "M", "A", "The grant type is compared exactly.", "RFC 8693 2.1"),
        _r(17, "M", "A", "A subject token and its type are required.", "RFC 8693 2.1"),
        _r(18, "M", "A", "An actor token and its type come together or not at all.", "RFC 8693 2.1"),
        _r(19, "M", "A", "Token types that are not accepted, or cannot be issued, are refused.", "RFC 8693 2.1"),
        _r(20, "M", "A", "A resource is an absolute URI without fragment.", "RFC 8693 2.1; RFC 8707 2"),
        _r(21, "M", "B", "An audience is any name both sides know, alone or beside a resource.", "RFC 8693 2.1"),
        _r(22, "M", "B", "All targets are served by one token, or none is.", "RFC 8693 2.1.1"),
        _r(23, "M", "B", "A scope is granted only where every target knows it.", "RFC 8693 2.1.1; RFC 9068 3"),
        _r(24, "M", "A", "No token without an audience: the partner's default target, or a refusal.", "RFC 8693 2.1"),
        _r(25, "M", "A", "A request without scope gets the mapping's default, not everything.", "RFC 8693 2.1"),
        _r(26, "M", "A", "Only an authenticated, active, confidential client exchanges.", "RFC 8693 2.1, 5"),
    ),
    "Token exchange: subject and actor tokens": (
        _r(27, "M", "B", "Each declared type is validated by its own rules.", "RFC 8693 2.1"),
        _r(28, "M", "A", "The declared type is the real one.", "RFC 8693 2.1"),
        _r(29, "M", "A", "The issuer selects the trust by exact comparison; no call to a stranger.", "RFC 8693 2.1"),
        _r(30, "M", "A", "The token was meant for us, for the client, or for a listed audience.", "RFC 8693 2.1"),
        _r(31, "M", "A", "A refresh token is no subject token.", "RFC 8693 2.1"),
        _r(32, "M", "B", "A bound token is good only beside a proof of its key.", "RFC 8693 2.1"),
        _r(33, "M", "A", "An exchange does not use the subject token up, unless the trust says so.", "RFC 8693 2.1"),
        _r(34, "M", "A", "The new token outlives nothing it was made from.", "RFC 8693 2.1"),
        _r(35, "M", "B", "A revocation reaches every descendant.", "RFC 8693 2.1"),
    ),
    "Token exchange: delegation": (
        _r(36, "M", "A", "Without an actor token: impersonation, only where the mapping allows it.", "RFC 8693 1.1"),
        _r(37, "M", "B", "With one: sub stays, act names the actor.", "RFC 8693 4.1"),
        _r(38, "M", "B", "act holds identity claims only.", "RFC 8693 4.1"),
        _r(39, "M", "B", "The newest actor is outermost; the older chain is unchanged inside.", "RFC 8693 4.1"),
        _r(40, "M", "B", "Decisions read the outermost actor only.", "RFC 8693 4.1"),
        _r(41, "M", "B", "The actor is the one that may_act names.", "RFC 8693 4.4"),
        _r(42, "M", "B", "Leaving the actor token out is no way round may_act.", "RFC 8693 4.4"),
        _r(43, "M", "B", "may_act beside act is refused unless the trust allows it.", "RFC 8693 4.4"),
        _r(44, "M", "B", "An issued token carries no may_act.", "RFC 8693 4.4"),
        _r(45, "M", "B", "A borrowed actor token is refused.", "RFC 8693 4.4"),
        _r(46, "M", "B", "Chains are short, and nobody is in one twice.", "RFC 8693 4.1"),
        _r(47, "M", "B", "The actor's permission is checked at every hop.", "RFC 8693 4.1"),
        _r(48, "M", "B", "The strictest policy wins, and none means no.", "RFC 8693 4.1"),
        _r(49, "M", "A", "Scope only shrinks, and the answer says to what.", "RFC 8693 2.1, 2.2.1"),
    ),
    "Token exchange: the answer": (
        _r(50, "M", "A", "The answer names the token, its types, its life and its scope.", "RFC 8693 2.2.1"),
        _r(51, "M", "A", "The token type is Bearer or DPoP for an access token.", "RFC 8693 2.2.1"),
        _r(52, "M", "A", "No refresh token.", "RFC 8693 2.2.1"),
        _r(
            53,
            "M",
            "A",
            "An unacceptable token is invalid_request, an unserved target invalid_target.",
            "RFC 8693 2.2.2",
        ),
        _r(54, "M", "A", "A refusal says what to do, and its reference; never why in detail.", "RFC 8693 2.2.2"),
        _r(55, "M", "A", "scope is one string; client_id is the client that asked.", "RFC 8693 4.2, 4.3"),
        _r(56, "M", "B", "Introspection shows the actor.", "RFC 8693 7"),
        _r(57, "M", "A", "Claims are few, and no log holds a token.", "RFC 8693 6"),
    ),
    "Client authentication by JWT": (
        _r(58, "M", "A", "One assertion of the jwt-bearer type; a client_id beside it agrees.", "RFC 7521 4.2"),
        _r(59, "M", "A", "iss and sub are the client; short-lived; one-time by jti.", "RFC 7523 3"),
        _r(60, "M", "A", "Our issuer identifier is the only audience.", "RFC 7523bis 3"),
        _r(61, "S", "B", "Its own media type is preferred; that of another kind is refused.", "RFC 7523bis 3"),
        _r(62, "M", "A", "The client's registration says the algorithm; no none, no HMAC.", "RFC 7523 3"),
        _r(63, "M", "A", "Keys are registered, or at a registered address with one bounded refetch.", "RFC 7523 3"),
        _r(
            64, "M", "B", "A grant assertion that will not do is invalid_grant.", "RFC 7521 4.1, 5.2; RFC 7523 2.1, 3.1"
        ),
        _r(65, "M", "B", "A trust says whether a grant assertion may come again.", "RFC 7523 3"),
        _r(66, "M", "B", "No refresh token for a grant assertion.", "RFC 7521 4.1"),
    ),
    "Targets and JWT access tokens": (
        _r(67, "M", "A", "A target that is unknown, malformed or not allowed is invalid_target.", "RFC 8707 2"),
        _r(68, "M", "A", "aud is exactly what was granted; one target gives one value.", "RFC 9068 3"),
        _r(69, "M", "A", "typ is at+jwt, the algorithm asymmetric, the key named.", "RFC 9068 2.1, 4"),
        _r(70, "M", "A", "The required claims are there.", "RFC 9068 2.2, 2.2.3"),
        _r(71, "S", "B", "The original login is described where policy allows it.", "RFC 9068 2.2.1"),
        _r(72, "M", "A", "Subjects of different origin cannot collide.", "RFC 9068 5"),
        _r(73, "M", "B", "Our own API validates access tokens as written.", "RFC 9068 4"),
        _r(74, "M", "A", "Instants are JSON numbers.", "RFC 9068 2.2; RFC 7519 2"),
    ),
    "Revocation and introspection": (
        _r(75, "M", "B", "A client gives a token back; an unknown one is no error.", "RFC 7009 2.1, 2.2"),
        _r(76, "M", "B", "Nobody ends another client's token.", "RFC 7009 2.1"),
        _r(77, "M", "B", "Introspection sees a revocation at once.", "RFC 7009 2.1"),
        _r(78, "M", "B", "The caller authenticates; whatever is not active is only that.", "RFC 7662 2.1, 2.2, 4"),
        _r(79, "M", "B", "A caller sees tokens for what it serves, and its own.", "RFC 7662 4"),
        _r(80, "M", "B", "No cache keeps the answer, and scopes are trimmed to the caller.", "RFC 7662 2.2, 4"),
        _r(81, "S", "B", "The answer comes as a signed JWT to who asks for it.", "RFC 9701 4, 5"),
    ),
    "Metadata and keys": (
        _r(82, "M", "A", "The metadata is where it belongs and names the configured issuer.", "RFC 8414 3, 3.3"),
        _r(83, "M", "A", "Endpoints, grants, methods and algorithms are published; partners never.", "RFC 8414 2"),
        _r(84, "M", "A", "Only what works now is listed.", "RFC 8414 2"),
        _r(85, "M", "A", "The key set is public, well named, and cacheable for a while.", "RFC 7517 4, 5"),
        _r(86, "M", "B", "A key is published before its first use and kept to its last token's end.", "RFC 7517 5"),
        _r(87, "S", "B", "Our API describes itself as a protected resource.", "RFC 9728 2, 3, 5.1"),
    ),
    "Mutual TLS and the proxy": (
        _r(88, "M", "B", "One registered name, under the authorities chosen for the partner.", "RFC 8705 2.1"),
        _r(89, "M", "B", "A self-signed certificate is known by its key.", "RFC 8705 2.2"),
        _r(90, "M", "B", "client_id is in the body.", "RFC 8705 2"),
        _r(
            91,
            "M",
            "B",
            "Bound tokens carry the certificate's thumbprint; introspection tells it.",
            "RFC 8705 3.1, 3.2",
        ),
        _r(92, "M", "B", "A resource refuses another certificate, or none.", "RFC 8705 3"),
        _r(93, "M", "B", "The header fields are read strictly.", "RFC 9440 2"),
        _r(94, "M", "B", "They are believed when a configured proxy sent them, else taken as absent.", "RFC 9440 3, 4"),
    ),
    "DPoP": (
        _r(95, "M", "B", "One header field with one compact JWS.", "RFC 9449 4.1, 4.3"),
        _r(96, "M", "B", "Its type, algorithm, public key and claims are as required.", "RFC 9449 4.2"),
        _r(97, "M", "B", "It verifies, for this method and this address.", "RFC 9449 4.3"),
        _r(98, "M", "B", "It was made a moment ago.", "RFC 9449 4.3, 11.1"),
        _r(99, "M", "B", "It is good once.", "RFC 9449 11.1"),
        _r(100, "M", "B", "Failures have their own words, and nonces their header.", "RFC 9449 5, 7.1, 8, 9"),
        _r(101, "M", "B", "Nonces are unpredictable, and several are good at once.", "RFC 9449 8.2"),
        _r(102, "M", "B", "The new token is bound to the key proven in this request.", "RFC 9449 5, 6"),
        _r(103, "M", "B", "A bound token never passes as Bearer.", "RFC 9449 7.1, 7.2"),
        _r(104, "M", "B", "A client can be held to proofs.", "RFC 9449 5.2"),
        _r(105, "M", "B", "Extra members and claims of a proof are ignored.", "RFC 9449 4.2"),
    ),
    "JWT processing": (
        _r(106, "M", "A", "A fixed list of algorithms per issuer; one key, one algorithm.", "RFC 8725 3.1"),
        _r(
            107,
            "M",
            "A",
            "No none, no confusion, no encryption for a signature.",
            "RFC 8725 3.1, 3.2, 3.3; RFC 8725bis 3.3",
        ),
        _r(108, "M", "A", "Keys come from configuration; kid only looks up.", "RFC 8725 3.10; OWASP ASVS 9.1.3"),
        _r(109, "M", "A", "Weak keys and points off the curve are not taken.", "RFC 8725 3.4, 3.5"),
        _r(110, "M", "A", "A key of one issuer validates no token of another.", "RFC 8725 3.8, 3.9"),
        _r(111, "M", "A", "Kinds of token exclude each other.", "RFC 8725 3.11, 3.12"),
        _r(
            112,
            "M",
            "A",
            "One spelling per token: compact, canonical, no member twice.",
            "RFC 8725bis 3.14; RFC 7515 4.1.11",
        ),
        _r(113, "M", "A", "Replay is known by verified issuer and jti, not by text.", "own"),
        _r(114, "M", "A", "No encrypted token is ever opened.", "RFC 8725bis 3.6, 3.13, 3.15"),
        _r(115, "M", "A", "Sizes and nesting are bounded before parsing.", "own"),
        _r(116, "M", "A", "Outbound calls reach configured public addresses only, bounded.", "RFC 8725bis 3.10"),
    ),
    "Devices and staff sign-in": (
        _r(
            145,
            "S",
            "C",
            "A device is told to wait, to slow down or that it is over; codes are hard to guess; a page says who asks.",
            "RFC 8628 3.3, 3.5, 5.1, 5.4",
        ),
        _r(
            146,
            "M",
            "C",
            "Staff sign in with code, PKCE, state and nonce; the issuer is checked; issuer and subject are the key.",
            "RFC 9700 2.1.1; RFC 9207 2.4; OWASP ASVS 10.1.2, 10.2.1, 10.5.2",
        ),
    ),
    "The portal": (
        _r(
            147,
            "M",
            "C",
            "No password grant, no implicit one, and each client has a list of its grants.",
            "RFC 9700 2.1.2, 2.4; OWASP ASVS 10.4.4",
        ),
        _r(
            148,
            "M",
            "C",
            "Keys are preferred; secrets are shown once, kept as digests, two at a time while they are changed.",
            "RFC 9700 2.5",
        ),
        _r(149, "M", "C", "A client has the scopes it needs and no more.", "OWASP ASVS 10.4.11; RFC 9700 2.3"),
        _r(150, "M", "C", "Confidential clients authenticate on every call, revocation too.", "OWASP ASVS 10.4.10"),
        _r(151, "M", "C", "People and admins see and revoke grants on a page.", "OWASP ASVS 10.4.9, 10.7.3"),
        _r(152, "M", "C", "Consent and approval say who, what, where and until when.", "OWASP ASVS 10.7.2"),
        _r(153, "M", "C", "An audience is an admin's to name: no partner registers another's.", "OWASP ASVS 9.2.4"),
        _r(154, "M", "C", "What proxies forge is dropped, and our address is configured, never Host.", "RFC 9700 4.13"),
        _r(155, "M", "C", "Forms are not framed, carry a CSRF token, redirect never by 307.", "RFC 9700 4.12, 4.16"),
        _r(156, "M", "C", "Expiry and revocation need no background worker.", "own"),
        _r(157, "M", "C", "A store or an upstream that cannot be asked is a refusal.", "own"),
        _r(158, "M", "C", "Each outcome is one event with who, what, for what and why, without a token's text.", "own"),
    ),
}

RULES: Final[Mapping[int, Rule]] = {item.number: item for items in SECTIONS.values() for item in items}


def due(rules: Iterable[Rule]) -> list[Rule]:
    """The rules that must have a test now."""
    return [item for item in rules if item.is_due]
