"""The shapes of what is tried: requests in the simulator, golden tokens, drafts beside exchanges of past and future."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exchange.simulation import Outcome
from policy.claim_rules import Operator
from policy.reasons import Reason
from portal.api.schema_words import COUNT, ID, INSTANT, MAYBE, NAMES, TEXT, YES_OR_NO, Schema, closed, many, ref, word
from portal.exchange_pages.traces import StepState
from portal.explanations.menders import Side
from portal.partner_pages.mappings.suggestions import Ground
from portal.simulator.models import Shadow
from portal.simulator.replaying import Effect

if TYPE_CHECKING:
    from collections.abc import Mapping


def _maybe(shape: Schema) -> Schema:
    return {"anyOf": [shape, {"type": "null"}]}


_STEP: Final = closed(
    {
        **dict.fromkeys(("rule", "title"), TEXT),
        "state": word(StepState),
        **dict.fromkeys(("expected", "received"), TEXT),
        "kept": NAMES | {"description": "Of a step that narrows: the scopes that stay."},
        "cut": NAMES | {"description": "Of a step that narrows: the scopes that go."},
    }
)
_REFUSAL: Final = closed(
    {
        "reason": word(Reason, "Ours; the caller never hears it."),
        "status": {"type": "integer", "description": "What the caller would hear."},
        "error": TEXT | {"description": "What the caller would hear."},
        **dict.fromkeys(("title", "why", "remedy"), TEXT),
        "whose_turn": word(Side, "Who can mend it: we, the partner, or either."),
    }
)
_MAPPING: Final = closed({"name": TEXT, "version": {"type": "integer", "minimum": 1}})
_COUNTS: Final = closed(dict.fromkeys(map(str, Effect), COUNT))
_FOUND: Final[Mapping[str, Schema]] = {
    "tried": COUNT,
    "left_out": COUNT | {"description": "Ended before a token was verified: no mapping decides about them."},
    "counts": _COUNTS,
}
_OF_DRAFTS: Final[Mapping[str, Schema]] = {
    "BackTest": closed(
        {
            "draft": ID,
            "author": TEXT,
            "made_at": INSTANT,
            "since": INSTANT | {"description": "No exchange before this was tried."},
            "is_whole": YES_OR_NO | {"description": "Whether all that was asked for was tried, and no bound was met."},
            **_FOUND,
        }
    ),
    "Shadow": closed(
        {
            "id": ID,
            "version": {"type": "integer", "minimum": 1},
            "author": TEXT,
            "started_at": INSTANT,
            "ends_at": INSTANT,
            "is_running": YES_OR_NO,
            "end": _maybe(word(Shadow.End.values)),
            "as_of": INSTANT | {"description": "Every exchange up to then is counted."},
            "is_late": YES_OR_NO | {"description": "Whether the background worker does not move it on."},
            **_FOUND,
        }
    ),
    "Difference": closed(
        {
            "exchange": ID | {"description": "Read it under /exchanges."},
            "at": INSTANT,
            "client": MAYBE,
            "effect": word(Effect),
            **dict.fromkeys(("before", "after"), TEXT),
        }
    ),
}
_WHY: Final[Mapping[str, Schema]] = {
    "ground": word(Ground, "Why it is proposed; of `person` and `moment`, why it hardly ever should be taken."),
    "why": TEXT,
    "is_chosen": YES_OR_NO | {"description": "Whether it is ticked on the page before anybody looked."},
}
_RULE: Final = closed({"claim": TEXT, "operator": word(Operator), "value": {}, **_WHY}, "value")
_GRANT: Final = closed({"scope": TEXT, "grants": NAMES, **_WHY})
_OF_TOKENS: Final[Mapping[str, Schema]] = {
    "Suggestions": closed(
        {
            "issuer": MAYBE,
            "trust": MAYBE | {"description": "The trust of the partner that such tokens fall under."},
            "grants": many(_GRANT),
            "rules": many(_RULE),
            "rare": many(_RULE) | {"description": "Rules that hardly ever last: they name one person, or one moment."},
            "unlike": NAMES | {"description": "Scopes of theirs to which no scope of the target is named alike."},
            "left_out": COUNT,
        }
    ),
}

SHAPES: Final[Mapping[str, Schema]] = {
    **_OF_DRAFTS,
    **_OF_TOKENS,
    "GoldenToken": closed(
        {
            "id": ID,
            **dict.fromkeys(("name", "partner", "client", "expected", "found"), TEXT),
            "is_green": YES_OR_NO,
            "author": TEXT,
            "checked_at": INSTANT,
        }
    ),
    "GoldenRun": closed(
        {"tried": COUNT, "red": many(ref("GoldenToken")) | {"description": "Those that came to another end."}}
    ),
    "Simulation": closed(
        {
            "outcome": word(Outcome, "`undecided`: only an issuer, who is not asked here, could tell."),
            "at": INSTANT,
            "partner": MAYBE,
            "trust": MAYBE,
            "mappings": many(_MAPPING),
            "scope": NAMES,
            "claims": {"type": ["object", "null"], "description": "What would be signed; identifiers come with it."},
            "is_typed": YES_OR_NO | {"description": "Whether claims were typed, so that no signature was checked."},
            "refusal": _maybe(_REFUSAL),
            "steps": many(_STEP) | {"description": "The whole line, in order."},
        }
    ),
}
