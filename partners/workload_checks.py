"""Whether what a client says of its platform lets in that client, and nobody else who runs there (RFC 7523 section 3).

Issuer and audience are the same for every workload of a platform: only rules tell them apart. Such a set of rules that
was forgotten, or that every workload meets, is how other people's pipelines were let into cloud accounts (CWE-1390).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from partners.errors import Problem, shown
from partners.key_checks import check_address, check_keys
from partners.mapping_checks import check_rules
from policy.claim_rules import ClaimRule, Operator, RuleError, Verdict
from policy.parties import ClientAuthentication

if TYPE_CHECKING:
    from collections.abc import Mapping

    from partners.declarations import DeclaredClient, DeclaredRule, DeclaredWorkload
    from partners.key_checks import Problems

WORKLOAD_JWT: Final = ClientAuthentication.WORKLOAD_JWT
SPIFFE: Final = "spiffe://"
OTHER_JWTS: Final = frozenset({ClientAuthentication.PRIVATE_KEY_JWT, ClientAuthentication.SELF_SIGNED_TLS_CLIENT_AUTH})
"""Methods that use the client's own keys: it has one key set, and its platform's is not its own."""

SAME_FOR_ALL: Final = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti"})
"""Claims that do not tell one workload from another."""

NOBODY: Final = "\N{REPLACEMENT CHARACTER} nobody/nothing:nowhere"
"""What no workload is called: a pattern that this fits fits everybody."""

SHARED: Final[Mapping[str, Mapping[str, str]]] = {
    "https://token.actions.githubusercontent.com": {
        "sub": "repo:nobody/nothing:ref:refs/heads/main",
        "repository": "nobody/nothing",
        "repository_id": "1",
        "repository_owner": "nobody",
        "repository_owner_id": "1",
        "job_workflow_ref": "nobody/nothing/.github/workflows/build.yml@refs/heads/main",
    },
    "https://gitlab.com": {
        "sub": "project_path:nobody/nothing:ref_type:branch:ref:main",
        "project_path": "nobody/nothing",
        "project_id": "1",
        "namespace_path": "nobody",
        "namespace_id": "1",
        "ci_config_ref_uri": "gitlab.com/nobody/nothing//.gitlab-ci.yml@refs/heads/main",
    },
}
"""Platforms that anybody can use: the claims that say whose workload it is, as a stranger's token has them."""


def check_workload(client: DeclaredClient) -> Problems:
    """Declared exactly where it is a method, beside no other key set, and narrowed to one client."""
    workload = client.workload
    if (workload is not None) != (WORKLOAD_JWT in client.methods):
        expected = f"workload exactly where methods lists {WORKLOAD_JWT}"
        yield Problem(path=("methods",), expected=expected, came=shown(client.methods))
    if workload is None:
        return
    if not OTHER_JWTS.isdisjoint(client.methods):
        expected = f"{WORKLOAD_JWT} without {' and '.join(sorted(OTHER_JWTS))}: one key set is one signer's"
        yield Problem(path=("methods",), expected=expected, came=shown(client.methods))
    for problem in _check_platform(workload):
        yield Problem(path=("workload", *problem.path), expected=problem.expected, came=problem.came)


def _check_platform(workload: DeclaredWorkload) -> Problems:
    yield from check_keys(workload, workload.algorithms, "algorithms")
    if not workload.issuer.startswith(SPIFFE):
        yield from check_address("issuer", workload.issuer)
    elif workload.jwks is None and workload.jwks_uri is None:
        yield Problem(path=("jwks_uri",), expected="jwks or jwks_uri: a trust domain publishes no discovery document")
    yield from check_rules(workload.rules)
    owning = SHARED.get(workload.issuer)
    if not any(_leaves_strangers_out(rule, owning) for rule in workload.rules):
        claims = "sub for example" if owning is None else ", ".join(sorted(owning))
        expected = f"at least one rule that not every workload of this platform meets, on {claims}"
        yield Problem(path=("rules",), expected=expected, came=shown([rule.claim for rule in workload.rules]))


def _leaves_strangers_out(rule: DeclaredRule, owning: Mapping[str, str] | None) -> bool:
    """Whether a rule is about the workload itself, on a public platform about its owner, and not met by anybody."""
    if rule.operator is Operator.EXISTS or rule.claim in SAME_FOR_ALL or (owning and rule.claim not in owning):
        return False
    try:
        compiled = ClaimRule.compile("it", rule.operator, rule.value)
    except RuleError:
        return True  # it is a problem of its own, said already
    return compiled.evaluate({"it": (owning or {}).get(rule.claim, NOBODY)}) is not Verdict.PASSED
