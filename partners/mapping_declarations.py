"""What a partner's token must say and what it is worth, as an admin declares it: rules and mappings.

Expressions are CEL, in the part of it that ``policy.expression_grammar`` offers: the variables are ``claims`` (of the
subject token), ``actor`` (the claims of the actor token), ``client`` (its id) and ``scopes`` (the subject token's).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, ClassVar, Final

from pydantic import ConfigDict, Field

from partners.notation import (
    CarriedName,
    ClaimName,
    ClientName,
    Depth,
    Expression,
    Flag,
    Lifetime,
    Notation,
    OnceEach,
    Position,
    RefersTo,
    ScopeName,
    Slug,
)
from partners.states import SourceOfMapping
from partners.vocabulary import Kind
from policy.claim_rules import Operator

STRICT: Final = ConfigDict(strict=True, extra="forbid", revalidate_instances="always")

ScopeNames = Annotated[tuple[ScopeName, ...], OnceEach]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredRule:
    """One condition on a claim of the subject token; all conditions of a list must hold."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    claim: Annotated[
        ClaimName, Field(description="The claim, or a path of at most five names joined by `/` for a nested one.")
    ]
    operator: Annotated[
        Operator,
        Field(
            description="`matches` takes an RE2 pattern that must match the whole value; `contains` looks in a list or"
            " in a space-separated string; `exists` takes no value."
        ),
    ]
    value: Annotated[
        object,
        Notation("text, number, true/false", "text, a whole number, true or false; for one_of a list of those"),
        Field(description="What the claim is compared with."),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredMapping:
    """What may become a token for one target. A change publishes a new version; versions never change."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    kind: ClassVar[Kind] = Kind.MAPPING

    name: Annotated[Slug, Field(description="Its name, unique within the partner.")]
    partner: Annotated[
        Slug | None,
        RefersTo(Kind.PARTNER),
        Field(description="For whose clients it is; left out: for clients of our own."),
    ] = None
    source: Annotated[
        SourceOfMapping,
        Field(
            description="What becomes a token: a token of the `trust`; with `own_token` one of ours, exchanged on; with"
            " `client` nothing but the client's authentication (the client credentials grant)."
        ),
    ] = SourceOfMapping.TRUST
    trust: Annotated[
        Slug | None,
        RefersTo(Kind.TRUST),
        Field(description="The trust, of the same partner, where that is the `source`; else none."),
    ] = None
    target: Annotated[Slug, RefersTo(Kind.TARGET), Field(description="The target.")]
    position: Annotated[
        Position, Field(description="Mappings are tried in this order, then by name; the first that fits decides.")
    ] = 100
    clients: Annotated[
        Annotated[tuple[Annotated[ClientName, RefersTo(Kind.CLIENT)], ...], OnceEach] | None,
        Field(description="The clients it is for; left out: every client of the partner."),
    ] = None
    rules: Annotated[tuple[DeclaredRule, ...], Field(description="Conditions on the claims; all must hold.")] = ()
    condition: Annotated[
        Expression | None, Field(description="A further condition, in CEL: it gives true or false, and must hold too.")
    ] = None
    grants: Annotated[
        Mapping[ScopeName, ScopeNames],
        Field(description="Which of our scopes each scope of the subject token is worth."),
    ] = field(default_factory=dict)
    always: Annotated[ScopeNames, Field(description="Scopes that every matching token may receive.")] = ()
    scopes_expression: Annotated[
        Expression | None,
        Field(description="Further scopes of ours, in CEL: a list of text. The target's catalogue still bounds it."),
    ] = None
    default_scopes: Annotated[
        ScopeNames, Field(description="What a request without `scope` asks for; part of what can be granted.")
    ] = ()
    lifetime: Annotated[Lifetime, Field(description="The longest a token of ours may live.")] = timedelta(minutes=5)
    allows_impersonation: Annotated[
        Flag, Field(description="Without it an actor token is required (RFC 8693 section 1.1).")
    ] = False
    max_depth: Annotated[Depth, Field(description="The most `act` members in a token of ours.")] = 1
    subject_claim: Annotated[
        ClaimName,
        Field(
            description="The claim that becomes the last part of `sub`: `partner:<name>:<claim>`; `sub` where the"
            " `source` is no trust."
        ),
    ] = "sub"
    claims: Annotated[
        Mapping[CarriedName, Expression],
        Field(
            description="Claims of the new token, each an expression in CEL that gives text, true or false, a whole"
            " number or a list of text. At most 20; less is better (RFC 8693 section 6)."
        ),
    ] = field(default_factory=dict)
    carries_login: Annotated[
        Flag,
        Field(
            description="`auth_time`, `acr` and `amr` of the partner's token, where it has them, are copied unchanged."
        ),
    ] = False
