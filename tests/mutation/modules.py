"""What is mutated: the modules that verify and decide, each with the tests that need no service and hold it up."""

from __future__ import annotations

from typing import Final

_POLICY: Final = ("tests/policy",)
_PROTOCOL: Final = ("tests/protocol", "tests/exchange/test_words_of_refusals.py")

MODULES: Final[dict[str, tuple[str, ...]]] = {
    "policy/delegation.py": _POLICY,
    "policy/mapping.py": _POLICY,
    "policy/claim_rules.py": _POLICY,
    "policy/carrying.py": _POLICY,
    "policy/guards.py": _POLICY,
    "policy/decision.py": _POLICY,
    "exchange/protocol/compact.py": _PROTOCOL,
    "exchange/protocol/dpop.py": _PROTOCOL,
    "exchange/jwt_checks.py": _PROTOCOL,
    "exchange/possession.py": _PROTOCOL,
    "exchange/verifying.py": _PROTOCOL,
    "exchange/clients.py": _PROTOCOL,
}
LEAST_SCORE: Final = 90
