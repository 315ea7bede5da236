"""The attacks and faults that the token endpoint must stand, each with what is expected; tests are marked with them.

``docs/attacks.md`` is made of this table and the marks (``python -m tests.attacks``); a test keeps it in step.
"""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import pytest

from tests.indexes import collected

if TYPE_CHECKING:
    from collections.abc import Mapping

    Index = Mapping[str, set[str]]

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "attacks.md"
ROW: Final = re.compile(r"^\| (?P<row>[AF]\d+) \|.*\| (?P<tests>[^|]*) \|$")

ATTACKS: Final[Mapping[str, tuple[str, str]]] = {
    "A1": ("Algorithm `none` by any spelling, an empty signature", "refused"),
    "A2": ("HMAC with the partner's public key as the secret", "refused"),
    "A3": ("A key used for another algorithm, or for another purpose, than its own", "refused, or not taken"),
    "A4": ("A `kid` that is unknown, absent among several, hostile or huge", "refused; one fetch in 30 seconds"),
    "A5": ("A key that the token brings along: `jwk`, `jku`, `x5u`, `x5c`", "refused, nothing is fetched"),
    "A6": ("`crit`, and payloads that are not base64url", "refused"),
    "A7": ("An encrypted token, a compressed bomb, a key derivation without end", "refused unopened"),
    "A8": ("Weak keys and points off the curve in a partner's key set", "not taken, and an event"),
    "A9": ("Times that are past, missing, too far away, or no numbers", "refused"),
    "A10": ("An audience that is missing, another, one of several, or nearly ours", "refused"),
    "A11": ("An issuer that is unknown, nearly known, or another partner's", "refused"),
    "A12": ("A good token that the same issuer made for somebody else", "refused"),
    "A13": ("One kind of token declared as another", "refused"),
    "A14": ("One identifier used twice, at once, in several processes, after Redis forgot everything", "one success"),
    "A15": ("A client assertion that was used, is for another, lives too long, or is signed by another", "refused"),
    "A16": ("Guessing secrets and tokens, from one address or from many", "throttled, others unaffected, an event"),
    "A17": ("A scope beyond what token, mapping and client share", "never more than they share"),
    "A18": ("Targets of which one is not allowed", "all or nothing"),
    "A19": ("Addresses of partners that lead inside", "refused when written and when called"),
    "A20": ("A name that changes its address, or has one private among public ones", "no connection to it"),
    "A21": ("A key set that redirects", "not followed"),
    "A22": ("A flood of invented `kid` values while the key set fails", "the bound holds, others are served"),
    "A23": ("Chains too deep, in circles, or outliving their parent", "refused, and the end is the parent's"),
    "A24": ("An exchange while its parent is revoked", "no live child"),
    "A25": ("A refresh token used again, in turn and at once", "the family is revoked, and an event"),
    "A26": ("Another partner's objects, at every address with an id and in forms, by each role", "404, and an event"),
    "A27": ("Members of a call's body that are not the caller's to set", "refused, and nothing is changed"),
    "A28": ("Each role and each scope at each address and each method of the API", "as one table says"),
    "A29": ("A forged form with somebody's session", "refused without the form's own token"),
    "A30": ("Bodies, forms, JSON and tokens that are too large, too deep or too slow", "refused at a bound"),
    "A31": ("Patterns and expressions that never come to an end", "refused when written, bounded when evaluated"),
    "A32": ("A forged `X-Forwarded-For`", "no effect beyond the proxies we run"),
    "A35": ("Script in whatever others may name, on the pages that show it", "shown as text, nothing runs"),
    "F12": ("A partner's key set is down", "known keys work, others are unaffected"),
    "F13": ("A partner's key set drips, is huge, empty, cut off, or no JSON", "the fetch ends, the old keys stay"),
    "F14": ("A partner replaces its keys without an overlap", "the first request succeeds after one fetch"),
    "F15": ("A partner's whole key set changes", "held back, and an event"),
    "F17": ("A partner's name fails, or leads inside", "no connection, the old keys stay"),
    "F27": ("A deadlock in the database", "tried again, nobody notices"),
    "F28": ("One partner fills the queue", "that partner waits, others do not"),
    "F34": ("A flood of unauthenticated requests", "others are served, memory is bounded"),
}

_HEAD: Final = """# Attacks and faults

Made by `python -m tests.attacks` from the marks of the tests; do not edit. Each row is held by the tests beside it,
named by their file under `tests/` and their function; they run against the real server unless they are about one part.

| Row | What is tried | What must happen | Tests |
|---|---|---|---|
"""


def attack(*rows: str) -> pytest.MarkDecorator:
    """Marks a test with the rows it holds."""
    unknown = [row for row in rows if row not in ATTACKS]
    if unknown or not rows:
        raise pytest.UsageError(f"attack{rows!r}: no such row in tests/attacks.py: {unknown}")
    return pytest.mark.attack(*rows)


def render(index: Index) -> str:
    """The page."""
    rows = (
        f"| {row} | {tried} | {expected} | {'<br>'.join(f'`{name}`' for name in sorted(index.get(row, ())))} |\n"
        for row, (tried, expected) in ATTACKS.items()
    )
    return _HEAD + "".join(rows)


def rows(text: str) -> dict[str, set[str]]:
    """The rows of a written page, each with the names of its tests."""
    found = (ROW.match(line) for line in text.splitlines())
    return {match["row"]: set(re.findall(r"`([^`]+)`", match["tests"])) for match in found if match}


if __name__ == "__main__":
    with TemporaryDirectory() as directory:
        PAGE.write_text(render(collected(Path(directory)).attacks), encoding="utf-8")
