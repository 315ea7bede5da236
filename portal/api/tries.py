"""Tries as bodies hold them: a request to the token endpoint, with tokens pasted whole or typed as header and claims.

A pasted token is read once, and is in no answer, no log and no row (CWE-532).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, TypeAdapter

from exchange.simulation import Question
from partners.errors import Problem
from partners.mapping_declarations import STRICT
from partners.notation import Slug, not_expected
from partners.vocabulary import GrantType, SubjectTokenType
from portal.api.problems import wrong_fields
from portal.form_fields import LONGEST_TOKEN
from portal.simulator.form import asked

_YEARS: Final = (1970, 9000)
_NO_BLANK: Final = r"^[!-~]+$"
_MOST: Final = 100


def _in_bounds(at: datetime) -> datetime:
    first, last = _YEARS
    if not first <= at.year <= last:
        raise not_expected(f"an instant of the years {first} to {last}")
    return at


Moment: TypeAlias = Annotated[AwareDatetime, AfterValidator(_in_bounds)]
Members: TypeAlias = dict[str, Any]
Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=1024, pattern=_NO_BLANK)]
Names: TypeAlias = Annotated[tuple[Name, ...], Field(max_length=_MOST)]
Pasted: TypeAlias = Annotated[str, Field(min_length=1, max_length=LONGEST_TOKEN)]
TriedGrant: TypeAlias = Literal[GrantType.TOKEN_EXCHANGE, GrantType.JWT_BEARER, GrantType.CLIENT_CREDENTIALS]
TriedType: TypeAlias = Literal[SubjectTokenType.ACCESS_TOKEN, SubjectTokenType.ID_TOKEN, SubjectTokenType.JWT]

_SUPPOSED: Final = ("has_proof", "has_certificate")
_TYPED: Final = "The claims of a token that nobody has to hand: no signature is checked then."
_HEADER: Final = "The header beside typed claims; without one, as their issuer would write it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request to the token endpoint, as its client would send it."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    client: Annotated[
        str, Field(min_length=1, max_length=255, description="The client id of whoever would send the request.")
    ]
    grant_type: Annotated[TriedGrant, Field(description="The grant.")] = GrantType.TOKEN_EXCHANGE
    audience: Annotated[Names, Field(description="The targets, by their audience.")] = ()
    resource: Annotated[Names, Field(description="The targets, by their URI (RFC 8707).")] = ()
    scope: Annotated[Names, Field(description="The scopes that would be asked for.")] = ()
    subject_token: Annotated[
        Pasted | None, Field(description="A token of the partner, whole. It is read once, never kept and never shown.")
    ] = field(default=None, repr=False)
    subject_claims: Annotated[Members | None, Field(description=_TYPED)] = field(default=None, repr=False)
    subject_header: Annotated[Members | None, Field(description=_HEADER)] = field(default=None, repr=False)
    subject_token_type: Annotated[TriedType, Field(description="What the token is said to be.")] = (
        SubjectTokenType.ACCESS_TOKEN
    )
    actor_token: Annotated[Pasted | None, Field(description="The acting party's token, whole.")] = field(
        default=None, repr=False
    )
    actor_claims: Annotated[Members | None, Field(description=_TYPED)] = field(default=None, repr=False)
    actor_header: Annotated[Members | None, Field(description=_HEADER)] = field(default=None, repr=False)
    actor_token_type: Annotated[TriedType, Field(description="What the actor token is said to be.")] = (
        SubjectTokenType.ACCESS_TOKEN
    )
    at: Annotated[Moment | None, Field(description="The moment; without one, now.")] = None
    has_proof: Annotated[bool, Field(description="Suppose a DPoP proof.")] = False
    has_certificate: Annotated[bool, Field(description="Suppose the client's certificate.")] = False
    as_if_active: Annotated[bool, Field(description="Suppose that the partner was activated already.")] = False

    @property
    def is_typed(self) -> bool:
        """Whether no signature is there to be checked."""
        return self.subject_claims is not None

    def question(self) -> Question:
        """What is tried. Raises ``ApiError`` unless the members agree: a token pasted or typed, and not both."""
        problems = tuple(self._disagreements())
        if problems:
            raise wrong_fields(problems)
        return asked(
            {
                "client": self.client,
                "grant_type": self.grant_type.value,
                **{name: " ".join(getattr(self, name)) for name in ("audience", "resource", "scope")},
                "token": self.subject_token or "",
                "claims": self.subject_claims,
                "header": self.subject_header,
                "actor_token": self.actor_token or "",
                **{name: getattr(self, name).value for name in ("subject_token_type", "actor_token_type")},
                **{name: getattr(self, name) for name in ("actor_claims", "actor_header", "at", *_SUPPOSED)},
            }
        )

    def _disagreements(self) -> Iterator[Problem]:
        for party in ("subject", "actor"):
            if getattr(self, f"{party}_token") is not None and getattr(self, f"{party}_claims") is not None:
                yield Problem(path=(f"{party}_claims",), expected=f"none beside {party}_token: only one can be tried")
        needs_one = self.grant_type is not GrantType.CLIENT_CREDENTIALS
        if needs_one and self.subject_token is None and self.subject_claims is None:
            yield Problem(path=("subject_token",), expected="a token here, or its claims in subject_claims")


@dataclass(frozen=True, slots=True, kw_only=True)
class Try(Asked):
    """What the simulator is asked: the request, and what is supposed about the configuration."""

    draft: Annotated[
        UUID | None, Field(description="The id of a draft of a mapping, which stands in for the version in force.")
    ] = None
    partner: Annotated[
        Slug | None,
        Field(description="A partner that is being registered: keys of it that nobody saw yet are fetched first."),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TryAgain:
    """What is supposed about the configuration when a recorded exchange is tried again."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    draft: Annotated[
        UUID | None, Field(description="The id of a draft of a mapping, which stands in for the version in force.")
    ] = None
    as_if_active: Annotated[bool, Field(description="Suppose that the partner was activated already.")] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCase(Asked):
    """What is kept as a golden token: the request without any signature, and the end that it comes to now."""

    name: Annotated[str, Field(description="What it is called: 1 to 120 characters, once per partner.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class OfPartner:
    """Whose golden tokens are meant."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    partner: Annotated[Slug, Field(description="The partner, by its name.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """How far a back-test looks back."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    days: Annotated[int, Field(ge=1, le=90, description="The recorded exchanges of so many days, newest first.")] = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A token from which rules and grants are proposed."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    token: Annotated[
        Pasted, Field(description="A token of the partner, whole. It is read once, never kept and never shown.")
    ] = field(repr=False)
    target: Annotated[Slug | None, Field(description="The target whose scopes its scopes are compared with.")] = None


TRY: Final = TypeAdapter(Try)
AGAIN: Final = TypeAdapter(TryAgain)
NEW_CASE: Final = TypeAdapter(NewCase)
OF_PARTNER: Final = TypeAdapter(OfPartner)
SPAN: Final = TypeAdapter(Span)
SAMPLE: Final = TypeAdapter(Sample)
