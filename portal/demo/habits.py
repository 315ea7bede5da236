"""What the demo's partners do all day: which client asks for what, in whose name, and what goes wrong now and then."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from policy.parties import ClientAuthentication

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policy.tokens import JSON


class Slip(StrEnum):
    """What can go wrong with one exchange. What the decision makes of the last four is its own affair."""

    EXPIRED = "expired"
    FORGED = "forged"
    SECRET = "secret"
    STRANGER = "stranger"
    TARGET = "target"
    SCOPE = "scope"
    CLAIM = "claim"
    ACTOR = "actor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """One kind of exchange that a client makes again and again.

    ``carries`` are the scopes of the partner's token, ``asks`` those asked for here, each with how often of a hundred.
    ``wrong`` are claims that replace good ones in a slip of ``Slip.CLAIM``. ``until`` is how many days ago it ended.
    """

    client: str
    method: ClientAuthentication = ClientAuthentication.PRIVATE_KEY_JWT
    trust: str
    target: str
    per_day: int
    people: tuple[str, ...] = ()
    carries: tuple[str, ...] = ()
    asks: Mapping[str, int] = field(default_factory=dict)
    claims: Mapping[str, JSON] = field(default_factory=dict)
    wrong: Mapping[str, JSON] = field(default_factory=dict)
    has_actor: bool = False
    at_night: bool = False
    until: int = 0
    slips: Mapping[Slip, int] = field(default_factory=dict)


_BASIC: Final = ClientAuthentication.CLIENT_SECRET_BASIC
_POST: Final = ClientAuthentication.CLIENT_SECRET_POST
_KESTREL: Final[Mapping[str, JSON]] = {"tenant": "kestrel", "tier": "gold", "groups": ["settlement", "operations"]}
_TESSERA: Final[Mapping[str, JSON]] = {"environment": "production", "department": "treasury"}

HABITS: Final[tuple[Habit, ...]] = (
    Habit(
        client="kestrel-settlement",
        method=_BASIC,
        trust="kestrel-login",
        target="https://ledger.meridian.example",
        per_day=18,
        people=("amara@kestrel.example", "tomas@kestrel.example"),
        carries=("ledger",),
        asks={"ledger:read": 80, "ledger:read ledger:write": 20},
        claims=_KESTREL,
        slips={Slip.EXPIRED: 2, Slip.SECRET: 1, Slip.TARGET: 1},
    ),
    Habit(
        client="kestrel-settlement",
        method=_BASIC,
        trust="kestrel-login",
        target="https://settlement.meridian.example",
        per_day=8,
        people=("amara@kestrel.example",),
        carries=("settlement",),
        asks={"settlement:read": 60, "settlement:read settlement:instruct": 40},
        claims=_KESTREL,
        wrong={"tier": "silver"},
        has_actor=True,
        slips={Slip.CLAIM: 8, Slip.ACTOR: 6},
    ),
    Habit(
        client="kestrel-console",
        method=_POST,
        trust="kestrel-login",
        target="https://ledger.meridian.example",
        per_day=5,
        people=("tomas@kestrel.example",),
        carries=("ledger",),
        asks={"ledger:read": 90, "ledger:write": 10},
        claims={**_KESTREL, "tier": "silver", "groups": ["operations"]},
    ),
    Habit(
        client="kestrel-batch",
        trust="",
        target="https://ledger.meridian.example",
        per_day=4,
        asks={"ledger:read": 100},
        at_night=True,
    ),
    Habit(
        client="fjord-analytics",
        method=_BASIC,
        trust="fjord-login",
        target="https://reports.meridian.example",
        per_day=12,
        people=("ingrid@fjord.example", "lars@fjord.example"),
        carries=("reports",),
        asks={"reports:read": 94, "reports:export": 6},
        claims={"tenant": "fjord", "groups": ["analysts"]},
        wrong={"groups": ["guests"]},
        has_actor=True,
        slips={Slip.CLAIM: 3, Slip.EXPIRED: 2},
    ),
    Habit(
        client="tessera-core",
        trust="tessera-login",
        target="https://ledger.meridian.example",
        per_day=16,
        people=("b.novak", "j.weiss", "posting-engine"),
        carries=("accounts", "settle"),
        asks={"ledger:read": 55, "ledger:read ledger:write": 45},
        claims=_TESSERA,
        wrong={"environment": "staging"},
        slips={Slip.CLAIM: 3, Slip.FORGED: 1},
    ),
    Habit(
        client="tessera-core",
        trust="tessera-login",
        target="https://settlement.meridian.example",
        per_day=6,
        people=("b.novak", "j.weiss"),
        carries=("settle",),
        asks={"settlement:instruct": 70, "settlement:read": 30},
        claims=_TESSERA,
        wrong={"department": "accounts"},
        has_actor=True,
        slips={Slip.CLAIM: 6, Slip.ACTOR: 4},
    ),
    Habit(
        client="tessera-service-desk",
        trust="tessera-login",
        target="https://disputes.meridian.example",
        per_day=7,
        people=("m.adeyemi", "s.kowalski"),
        carries=("disputes",),
        asks={"disputes:read": 100},
        claims={**_TESSERA, "department": "service"},
        slips={Slip.SCOPE: 3, Slip.EXPIRED: 3},
    ),
    Habit(
        client="bluepine-warehouse",
        trust="bluepine-idp",
        target="https://orders.meridian.example",
        per_day=20,
        people=("wh-07-picker", "wh-11-picker", "wh-12-lead"),
        carries=("pick",),
        asks={"orders:read": 75, "orders:read orders:write": 25},
        claims={"site": "wh-07"},
        wrong={"site": "hq"},
        slips={Slip.CLAIM: 2, Slip.STRANGER: 2},
    ),
    Habit(
        client="bluepine-warehouse",
        trust="bluepine-idp",
        target="https://stock.meridian.example",
        per_day=12,
        people=("wh-07-picker", "wh-11-picker"),
        carries=("pick",),
        asks={"stock:read": 100},
        claims={"site": "wh-11"},
        at_night=True,
        slips={Slip.SCOPE: 4},
    ),
    Habit(
        client="bluepine-fleet",
        trust="bluepine-idp",
        target="https://shipping.meridian.example",
        per_day=22,
        people=("van-204", "van-219", "van-233", "dispatch"),
        carries=("ship",),
        asks={"shipping:track": 70, "shipping:label shipping:track": 30},
        claims={"site": "wh-12"},
        slips={Slip.EXPIRED: 3, Slip.TARGET: 1},
    ),
    Habit(
        client="alder-portal",
        trust="alder-login",
        target="https://reports.meridian.example",
        per_day=9,
        people=("patient-5521", "patient-8077"),
        carries=("statements",),
        asks={"reports:read": 100},
        until=6,
        slips={Slip.FORGED: 5},
    ),
    Habit(
        client="orbit-bookings",
        trust="orbit-login",
        target="https://disputes.meridian.example",
        per_day=6,
        people=("claims-team",),
        carries=("cases",),
        asks={"disputes:read": 70, "disputes:answer": 30},
        claims={"brand": "orbit"},
        wrong={"brand": "orbit-beta"},
        until=1,
        slips={Slip.CLAIM: 9},
    ),
)
