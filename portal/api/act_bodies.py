"""What acts take with them, as bodies hold it: each a value whose type says what is meant, and what is described."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, TypeAdapter, WithJsonSchema

from partners.mapping_declarations import STRICT
from partners.notation import EmailAddress, FullTitle, IssuerUrl, KeySetUrl, not_expected, parse_duration
from partners.services.introspections import LONGEST_SECRET, SECRET, check_secret
from portal.api.schema_words import DURATION
from portal.partner_side.forms import LONGEST_ANSWER
from portal.roles import Role

LONGEST_OVERLAP: Final = timedelta(days=30)
_OVERLAP: Final = "a duration of at most 30d, such as 24h; left out, the older secret stays until it is withdrawn"


def _not_too_long(overlap: timedelta) -> timedelta:
    if overlap > LONGEST_OVERLAP:
        raise not_expected(_OVERLAP)
    return overlap


def _said(text: str) -> str:
    said = text.strip()
    if not 0 < len(said) <= LONGEST_ANSWER:
        raise not_expected(f"text of 1 to {LONGEST_ANSWER} characters, which the partner reads")
    return said


def _secret(text: str) -> str:
    if not check_secret(text):
        raise not_expected(SECRET)
    return text


Overlap: TypeAlias = Annotated[
    timedelta, BeforeValidator(parse_duration), AfterValidator(_not_too_long), WithJsonSchema(DURATION)
]
Giveable: TypeAlias = Literal[Role.SECURITY_ADMIN, Role.PARTNER_MANAGER, Role.APPROVER, Role.ENGINEER, Role.AUDITOR]
Secret: TypeAlias = Annotated[
    str,
    AfterValidator(_secret),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": LONGEST_SECRET, "writeOnly": True}),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPerson:
    """Somebody of ours who is invited."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    email: EmailAddress
    name: FullTitle
    roles: tuple[Giveable, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleOfPerson:
    """The role that is given or taken."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherAccount:
    """The account that is the same human's, by its address."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    email: EmailAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class NewInvitation:
    """Whom of a partner to invite."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    email: EmailAddress
    anew: Annotated[
        bool,
        Field(
            description="They have an account and lost every way into it: their passkeys, app and password are"
            " forgotten at once, and their sessions end. Be sure that it is they who ask."
        ),
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerToProposal:
    """Why a proposal is declined, for the partner to read."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    answer: Annotated[str, AfterValidator(_said)]


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenTokenChange:
    """What a golden token is to be called."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    name: FullTitle


@dataclass(frozen=True, slots=True, kw_only=True)
class IntrospectionSecret:
    """What a partner gave us for its introspection endpoint. In no answer, no log and no repr (CWE-532)."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    secret: Secret = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysToConfirm:
    """Which of what waits at a key source is taken."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    jwks_uri: Annotated[
        str | None, Field(description="The address that waits (`offered_uri`); left out, the keys are meant.")
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSecret:
    """How long the older secret of a client lives on beside the new one (rule 148)."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    overlap: Overlap | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToExamine:
    """What to look at before it is trusted: exactly one of an issuer, an address of keys, and keys."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    issuer: IssuerUrl | None = None
    jwks_uri: KeySetUrl | None = None
    jwks: dict[str, Any] | None = None


NEW_PERSON: Final = TypeAdapter(NewPerson)
ROLE_OF_PERSON: Final = TypeAdapter(RoleOfPerson)
OTHER_ACCOUNT: Final = TypeAdapter(OtherAccount)
NEW_INVITATION: Final = TypeAdapter(NewInvitation)
ANSWER: Final = TypeAdapter(AnswerToProposal)
GOLDEN_TOKEN_CHANGE: Final = TypeAdapter(GoldenTokenChange)
INTROSPECTION_SECRET: Final = TypeAdapter(IntrospectionSecret)
KEYS_TO_CONFIRM: Final = TypeAdapter(KeysToConfirm)
NEW_SECRET: Final = TypeAdapter(NewSecret)
EXAMINATION: Final = TypeAdapter(ToExamine)
