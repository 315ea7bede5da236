"""What is mutated: the modules that verify and decide, each with the tests that need no service and hold it up."""

from __future__ import annotations

from typing import Final

_RULES: Final = "tests/policy/test_words_of_rules.py"
_CLAIMS: Final = "tests/policy/test_claim_rules.py"
_DECIDING: Final = ("tests/policy/test_words_of_decisions.py", "tests/policy/test_decision.py")
_REHEARSAL: Final = "tests/policy/test_rehearsal.py"
_VERIFYING: Final = ("tests/exchange/test_words_of_refusals.py",)
_ANSWERS: Final = (*_VERIFYING, "tests/exchange/test_words_of_answers.py")
_OWN: Final = "tests/exchange/test_words_of_subjects.py"
_WORKLOADS: Final = "tests/exchange/test_words_of_workloads.py"

MODULES: Final[dict[str, tuple[str, ...]]] = {
    "policy/delegation.py": (_RULES, *_DECIDING, "tests/policy/test_delegation.py"),
    "policy/mapping.py": (_RULES, *_DECIDING),
    "policy/claim_rules.py": (_RULES, _CLAIMS),
    "policy/carrying.py": (_RULES, *_DECIDING),
    "policy/guards.py": (*_DECIDING, _REHEARSAL),
    "policy/decision.py": (*_DECIDING, _REHEARSAL),
    "policy/origin.py": _DECIDING,
    "policy/rehearsal.py": (*_DECIDING, _REHEARSAL),
    "exchange/protocol/compact.py": (*_VERIFYING, "tests/protocol/test_compact.py"),
    "exchange/protocol/dpop.py": ("tests/protocol/test_words_of_proofs.py", "tests/protocol/test_dpop.py"),
    "exchange/jwt_checks.py": _VERIFYING,
    "exchange/possession.py": (*_VERIFYING, "tests/exchange/test_words_of_possession.py"),
    "exchange/verifying.py": _ANSWERS,
    "exchange/familiar.py": ("tests/exchange/test_familiar.py",),
    "exchange/rulings.py": ("tests/exchange/test_rulings.py",),
    "exchange/generations.py": ("tests/exchange/test_generations.py",),
    "exchange/introspected.py": _ANSWERS,
    "exchange/subjects.py": (*_ANSWERS, _OWN),
    "exchange/own_tokens.py": (_OWN,),
    "exchange/clients.py": ("tests/exchange/test_words_of_clients.py", _WORKLOADS),
    "exchange/workloads.py": (_WORKLOADS,),
}
LEAST_SCORE: Final = 90
