"""The part of a client's form that says whose tokens authenticate it: its platform, and which workload it is there.

A platform's issuer and audience are the same for all who run there, so the conditions are what lets in this client and
nobody else (RFC 7523 section 3); what is too wide is refused by the same check as in documents.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import orjson
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from partners.states import KeyMethod
from partners.vocabulary import SignatureAlgorithm
from policy.parties import ClientAuthentication
from portal.form_fields import choice, line, several, text
from portal.partner_pages.form_parts import FoldedFields, members_of
from portal.partner_pages.mappings import texts
from portal.partner_pages.pasted_keys import key_set_of
from portal.partner_pages.trusts.forms import ALGORITHMS, KEY_METHODS, USUAL_ALGORITHMS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

OTHERWISE: Final = members_of("workload", "issuer", "jwks", "jwks_uri", "rules", "audiences", "algorithms", "lifetime")
"""Members of the declaration's workload, and the fields that hold them here."""

NEW: Final[Mapping[str, Any]] = {
    "workload_issuer": "",
    "workload_place": KeyMethod.DISCOVERY,
    "workload_jwks_uri": "",
    "workload_jwks": "",
    "workload_rules": "",
    "workload_audiences": "",
    "workload_algorithms": USUAL_ALGORITHMS,
    "workload_lifetime": "15m",
}
"""A platform that is not named yet."""

_RS256: Final = [SignatureAlgorithm.RS256.value]
PLATFORMS: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "github": (
        "GitHub Actions",
        {
            "workload_issuer": "https://token.actions.githubusercontent.com",
            "workload_rules": "repository equals <owner>/<repository>\nref equals refs/heads/main",
            "workload_algorithms": _RS256,
        },
    ),
    "gitlab": (
        "GitLab CI",
        {
            "workload_issuer": "https://gitlab.com",
            "workload_rules": "project_path equals <group>/<project>\nref_type equals branch\nref equals main",
            "workload_algorithms": _RS256,
            "workload_lifetime": "1h",
        },
    ),
    "kubernetes": (
        "Kubernetes",
        {
            "workload_issuer": "https://<cluster>",
            "workload_rules": "sub equals system:serviceaccount:<namespace>:<service account>",
            "workload_algorithms": _RS256,
            "workload_lifetime": "1h",
        },
    ),
    "spiffe": (
        "SPIFFE",
        {
            "workload_issuer": "spiffe://<trust domain>",
            "workload_place": KeyMethod.JWKS_URI,
            "workload_jwks_uri": "https://<bundle endpoint>",
            "workload_rules": "sub equals spiffe://<trust domain>/<workload>",
            "workload_algorithms": [SignatureAlgorithm.ES256.value],
        },
    ),
}
"""What the usual platforms put into their tokens, to begin with; no platform says what is in angle brackets."""

_UNFILLED: Final = re.compile(
    r"(?<!\?P)<"
    r"(owner|repository|group|project|cluster|namespace|service account|trust domain|bundle endpoint|workload)>"
)
"""Such a place; a named group of a pattern is none."""


class WorkloadFields(FoldedFields):
    """The fields, for a form that has the methods beside them. They count where ``workload_jwt`` is one of those."""

    folded = "workload"

    workload_issuer = line(
        _("Issuer of the platform's tokens"),
        _("Their exact “iss”; for SPIFFE the trust domain of their “sub”: spiffe://example.org."),
        required=False,
        inputmode="url",
    )
    workload_rules = text(
        _("Which of its workloads this is"),
        _("One condition on each line, all must hold; at least one that no other workload of the platform meets."),
        reads=texts.rules_of,
    )
    workload_place = choice(_("Where the platform's keys come from"), choices=KEY_METHODS, required=False)
    workload_jwks_uri = line(_("Address of the platform's keys"), _("Only for that way."), required=False)
    workload_jwks = text(
        _("Keys of the platform"),
        _("Only for keys that are pasted: a JSON Web Key Set with public keys."),
        rows=4,
        reads=key_set_of,
    )
    workload_audiences = line(
        _("Audiences of its tokens"), _("Beside our own issuer; separated by spaces."), required=False
    )
    workload_algorithms = several(
        _("Signatures of the platform"),
        choices=ALGORITHMS,
        required=False,
    )
    workload_lifetime = line(
        _("The platform's tokens may live"),
        _("The longest it may give them, at most 1h. Each is good until it ends, from anywhere."),
        required=False,
    )

    def clean(self) -> dict[str, Any]:
        """No place of a usual platform was left as it is: a condition that nobody meets, or somebody else does."""
        data: dict[str, Any] = super().clean() or {}
        if ClientAuthentication.WORKLOAD_JWT.value in (data.get("methods") or [data.get("method")]):
            for name in ("issuer", "jwks_uri", "rules"):
                left = _UNFILLED.search(str(self[f"workload_{name}"].value() or ""))
                if left:
                    words = gettext("“%(place)s” stands for what only you know. Write that in its place.")
                    self.add_error(f"workload_{name}", words % {"place": left[0]})
        return data

    def platforms(self) -> list[tuple[str, str]]:
        """The usual ones, to begin with."""
        return [(slug, name) for slug, (name, _known) in PLATFORMS.items()]

    def workload(self, methods: Collection[str]) -> dict[str, Any] | None:
        """What the valid form declares of the platform; None where no platform vouches for the client."""
        if ClientAuthentication.WORKLOAD_JWT.value not in methods:
            return None
        data = self.cleaned_data
        place = data["workload_place"]
        return {
            "issuer": data["workload_issuer"],
            "rules": data["workload_rules"],
            "audiences": data["workload_audiences"].split(),
            "jwks": (data["workload_jwks"] or {}) if place == KeyMethod.UPLOADED else None,
            "jwks_uri": data["workload_jwks_uri"] if place == KeyMethod.JWKS_URI else None,
            "algorithms": data["workload_algorithms"],
            "lifetime": data["workload_lifetime"],
        }


def initial_of(workload: Mapping[str, Any] | None) -> dict[str, Any]:
    """A client's platform, as it is written in documents, as the form shows it."""
    if workload is None:
        return dict(NEW)
    keys, address = workload["jwks"], workload["jwks_uri"]
    return {
        "workload_issuer": workload["issuer"],
        "workload_place": KeyMethod.UPLOADED if keys else KeyMethod.JWKS_URI if address else KeyMethod.DISCOVERY,
        "workload_jwks_uri": address or "",
        "workload_jwks": orjson.dumps(keys, option=orjson.OPT_INDENT_2).decode() if keys else "",
        "workload_rules": texts.in_rules(workload["rules"]),
        "workload_audiences": " ".join(workload["audiences"]),
        "workload_algorithms": list(workload["algorithms"]),
        "workload_lifetime": workload["lifetime"],
    }


def started_from(platform: str) -> dict[str, Any]:
    """What the form begins with for a usual platform; nothing for one that is not known."""
    _name, known = PLATFORMS.get(platform, ("", {}))
    return {**NEW, **known} if known else {}
