"""Unsafe settings, refused by ``manage.py check --deploy``, each with its section and what to do (RFC 9700)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.core.checks import Error, Tags, register
from oauth2_provider.settings import DEFAULTS, oauth2_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.apps import AppConfig
    from django.core.checks import CheckMessage

GATE_PREFIX: Final = "COMPLIANT_BCP_RFC9700_"
LONGEST_CODE_SECONDS: Final = 60


@register(Tags.security, deploy=True)
def check_gates(app_configs: Sequence[AppConfig] | None, **kwargs: object) -> list[CheckMessage]:  # noqa: ARG001
    """Every RFC 9700 gate that this version of django-oauth-toolkit has is on; a new one is noticed here."""
    gates = [name for name in DEFAULTS if name.startswith(GATE_PREFIX)]
    return [
        Error(
            f"django-oauth-toolkit's gate {gate} is off: the behaviour RFC 9700 advises against is allowed.",
            hint=f'Set OAUTH2_PROVIDER["{gate}"] = True in portal/settings/base.py.',
            id="handover.E001",
        )
        for gate in gates
        if not getattr(oauth2_settings, gate)
    ]


@register(Tags.security, deploy=True)
def check_codes_and_refresh(app_configs: Sequence[AppConfig] | None, **kwargs: object) -> list[CheckMessage]:  # noqa: ARG001
    """Codes are short-lived, refresh tokens end, and reuse of one revokes its family (RFC 9700 s2.1.1, s4.14)."""
    problems: list[CheckMessage] = []
    if oauth2_settings.AUTHORIZATION_CODE_EXPIRE_SECONDS > LONGEST_CODE_SECONDS:
        hint = 'Set OAUTH2_PROVIDER["AUTHORIZATION_CODE_EXPIRE_SECONDS"] to 60 or less (RFC 6749 section 4.1.2).'
        problems.append(Error("Authorization codes live longer than a minute.", hint=hint, id="handover.E002"))
    if not oauth2_settings.REFRESH_TOKEN_EXPIRE_SECONDS:
        hint = 'Set OAUTH2_PROVIDER["REFRESH_TOKEN_EXPIRE_SECONDS"] (RFC 9700 section 4.14.2).'
        problems.append(Error("Refresh tokens never end.", hint=hint, id="handover.E003"))
    if oauth2_settings.REFRESH_TOKEN_GRACE_PERIOD_SECONDS or not oauth2_settings.REFRESH_TOKEN_REUSE_PROTECTION:
        hint = "Set REFRESH_TOKEN_REUSE_PROTECTION = True and REFRESH_TOKEN_GRACE_PERIOD_SECONDS = 0 (section 4.14.2)."
        problems.append(Error("A refresh token can be used twice unnoticed.", hint=hint, id="handover.E004"))
    return problems
