"""The documentation pages that are made from code, so that they cannot say what the code does not do."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Final

from django.utils.translation import override

from exchange.protocol.errors import WIRE
from policy.places import places_of
from policy.reasons import Reason
from portal.api import description
from portal.config import Config
from portal.description import document
from portal.documents import reference
from portal.explanations.menders import SIDES, mender_of
from portal.explanations.words import explain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SETTINGS_HEAD: Final = """# Settings

Every setting is an environment variable. They are read once, when a process starts, and checked together: a process
with a wrong setting does not start, and says what is wrong with all of them. This page is generated from
`portal/config.py`.

| variable | default | meaning |
|---|---|---|
"""


def settings_page() -> str:
    """``docs/settings.md``, from the fields of ``Config``."""
    rows = []
    for item in fields(Config):
        default = item.metadata["default"]
        shown = "required" if default is None else f"`{default}`" if default else "empty"
        rows.append(f"| `{item.metadata['env']}` | {shown} | {item.metadata['doc']} |\n")
    return _SETTINGS_HEAD + "".join(rows)


_ERRORS_HEAD: Final = """# Refusals

Every refusal carries a reference: the header `X-Correlation-ID`, and the end of `error_description`. The caller sees an
OAuth error in fixed words; the portal shows the reason and every step under `/exchanges/<reference>`, and the simulator
under `/simulator` names the same step. This page is generated from `policy/reasons.py`, `policy/places.py`,
`exchange/protocol/errors.py` and the portal's own words.

| reason (portal, audit) | step | the caller sees | what happened | what to do | who |
|---|---|---|---|---|---|
"""


def errors_page() -> str:
    """``docs/errors.md``, from the reasons, their errors on the wire, and their words."""
    rows = []
    with override("en"):
        for reason in Reason:
            wire, words = WIRE[reason], explain(reason)
            seen = f"{wire.status} `{wire.error}`: {wire.description}"
            steps = ", ".join(f"`{rule}`" for rule in places_of(reason))
            who = SIDES[mender_of(reason).side]
            rows.append(f"| `{reason}` | {steps} | {seen} | {words.why} | {words.remedy} | {who} |\n")
    return _ERRORS_HEAD + "".join(rows)


PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "settings.md": settings_page,
    "errors.md": errors_page,
    "configuration.md": reference.page,
    "openapi-oauth.yaml": document.page,
    "openapi-api.yaml": description.page,
}
