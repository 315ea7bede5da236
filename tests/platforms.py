"""The platforms that workloads run on, as their documentation shows their tokens: every one is really signed."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from tests.signers import Signer, make_key

if TYPE_CHECKING:
    from tests.signers import Key

REPOSITORY = "kestrel/settle"


@dataclass
class Platform(Signer):
    """A platform. ``own`` are the claims of one of its workloads; ``header`` what it puts there beside alg and kid."""

    own: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=lambda: {"typ": "JWT"})
    lifetime: int = 300

    def token(
        self, audience: Any, *, header: dict[str, Any] | None = None, key: Key | None = None, **claims: Any
    ) -> str:
        """The token of that workload, for this audience; claims of None are left out."""
        now = int(time.time())
        times = {"iat": now, "nbf": now, "exp": now + self.lifetime}
        full = {"iss": self.issuer, "aud": audience, "jti": str(uuid4()), **times, **self.own} | claims
        said = {name: value for name, value in full.items() if value is not None}
        return self.sign(said, key=key, **(self.header | (header or {})))


def kubernetes(issuer: str) -> Platform:
    """The projected token of a service account (Kubernetes 1.33): an hour, several audiences, no ``typ``."""
    account = {"name": "settlement", "uid": "5a4ad8f4-6bde-4b8f-8a5c-9d27f7a1c0de"}
    bound = {
        "namespace": "payments",
        "node": {"name": "worker-3", "uid": "1e0b5c7e-2f4f-4d51-b5f2-0f4a0f6a5d11"},
        "pod": {"name": "settlement-7c9d", "uid": "cb3e2f8a-43c1-4c39-9f12-6d7d2a7b9b02"},
        "serviceaccount": account,
        "warnafter": 1_900_000_000,
    }
    own = {"sub": "system:serviceaccount:payments:settlement", "kubernetes.io": bound}
    return Platform(issuer, make_key("RS256"), own=own, header={"typ": None}, lifetime=3600)


def github(issuer: str = "https://token.actions.githubusercontent.com") -> Platform:
    """The token of a job of GitHub Actions."""
    own = {
        "sub": f"repo:{REPOSITORY}:environment:production",
        "environment": "production",
        "ref": "refs/heads/main",
        "ref_type": "branch",
        "ref_protected": "true",
        "sha": "6f1e2d3c4b5a69788796a5b4c3d2e1f0a1b2c3d4",
        "repository": REPOSITORY,
        "repository_id": "74032110",
        "repository_owner": "kestrel",
        "repository_owner_id": "65",
        "repository_visibility": "private",
        "actor": "ada",
        "actor_id": "12",
        "run_id": "9911",
        "run_number": "10",
        "run_attempt": "2",
        "workflow": "release",
        "event_name": "workflow_dispatch",
        "base_ref": "",
        "head_ref": "",
        "job_workflow_ref": f"{REPOSITORY}/.github/workflows/release.yml@refs/heads/main",
        "runner_environment": "github-hosted",
    }
    return Platform(issuer, make_key("RS256"), own=own)


def gitlab(issuer: str = "https://gitlab.com") -> Platform:
    """The ID token of a job of GitLab CI."""
    own = {
        "sub": f"project_path:{REPOSITORY}:ref_type:branch:ref:main",
        "namespace_id": "72",
        "namespace_path": "kestrel",
        "project_id": "20",
        "project_path": REPOSITORY,
        "user_id": "1",
        "user_login": "ada",
        "user_email": "ada@kestrel.example",
        "pipeline_id": "574",
        "pipeline_source": "push",
        "job_id": "302",
        "ref": "main",
        "ref_type": "branch",
        "ref_path": "refs/heads/main",
        "ref_protected": "true",
        "runner_id": 1,
        "runner_environment": "gitlab-hosted",
        "project_visibility": "private",
        "ci_config_ref_uri": f"gitlab.com/{REPOSITORY}//.gitlab-ci.yml@refs/heads/main",
    }
    return Platform(issuer, make_key("RS256"), own=own, lifetime=3600)


def spiffe(domain: str = "kestrel.example") -> Platform:
    """A JWT-SVID: ``sub``, ``aud`` and ``exp`` are all it need have."""
    own = {"sub": f"spiffe://{domain}/settlement", "iss": None, "jti": None, "nbf": None}
    return Platform(f"spiffe://{domain}", make_key("ES256"), own=own)
