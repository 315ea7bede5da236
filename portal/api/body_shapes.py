"""The shapes of the bodies that declare no object of the configuration: what is checked is what is described."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from portal.api import act_bodies, tries
from portal.api.examples import EXAMPLES
from portal.api.reading import shape_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import TypeAdapter

    from portal.api.schema_words import Schema

BODIES: Final[Mapping[str, TypeAdapter[Any]]] = {
    "AnswerToProposal": act_bodies.ANSWER,
    "GoldenTokenChange": act_bodies.GOLDEN_TOKEN_CHANGE,
    "IntrospectionSecret": act_bodies.INTROSPECTION_SECRET,
    "KeysToConfirm": act_bodies.KEYS_TO_CONFIRM,
    "NewGoldenToken": tries.NEW_CASE,
    "NewInvitation": act_bodies.NEW_INVITATION,
    "NewPerson": act_bodies.NEW_PERSON,
    "NewSecret": act_bodies.NEW_SECRET,
    "OfPartner": tries.OF_PARTNER,
    "OtherAccount": act_bodies.OTHER_ACCOUNT,
    "RoleOfPerson": act_bodies.ROLE_OF_PERSON,
    "Sample": tries.SAMPLE,
    "Span": tries.SPAN,
    "ToExamine": act_bodies.EXAMINATION,
    "Try": tries.TRY,
    "TryAgain": tries.AGAIN,
}

SHAPES: Final[Mapping[str, Schema]] = {
    name: shape_of(of) | {"examples": [EXAMPLES[name]]} for name, of in BODIES.items()
}
