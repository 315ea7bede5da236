"""Every page: the addresses that are looked at one after the other, and the pages that a flow looks at on its way."""

from __future__ import annotations

from typing import Final

from tests.e2e import changeable, links

ADDRESSES: Final = {
    "overview": "/overview",
    "partners": "/partners",
    "partner": "/partners/kestrel",
    "partner-trust": "/partners/kestrel/trust",
    "partner-keys-failing": "/partners/fjord/trust",
    "partner-clients": "/partners/kestrel/clients",
    "partner-mappings": "/partners/kestrel/mappings",
    "partner-activity": "/partners/kestrel/activity",
    "partner-integration": "/partners/kestrel/integration",
    "partner-history": "/partners/kestrel/history",
    "partner-people": "/partners/kestrel/people",
    "partner-inviting": "/partners/kestrel/people/invite",
    "partner-proposal": f"/partners/tern/people/proposals/{changeable.PROPOSAL}",
    "partner-registering": "/register-partner",
    "partner-editing": "/partners/kestrel/edit",
    "partner-trusting": "/partners/orbit/trust/new",
    "partner-empty": "/partners/orbit/mappings",
    "partner-suspending": "/partners/kestrel/acts/suspend",
    "partner-offboarding": "/partners/kestrel/acts/offboard",
    "partner-activating": "/partners/orbit/acts/activate",
    "partner-trust-health": "/partners/kestrel/trust/health",
    "partner-trust-published": "/partners/kestrel/trust/published",
    "partner-trust-changing": "/partners/kestrel/trust/kestrel-idp/edit",
    "partner-trust-introspection": "/partners/tern/trust/tern-idp/introspection-secret",
    "partner-trust-withdrawing": "/partners/kestrel/trust/kestrel-idp/withdraw",
    "partner-client-new": "/partners/kestrel/clients/new",
    "partner-client-changing": "/partners/kestrel/clients/kestrel-reports/edit",
    "partner-client-secret": "/partners/kestrel/clients/kestrel-settlement/secret",
    "partner-client-suspending": "/partners/kestrel/clients/kestrel-settlement/acts/suspend",
    "partner-mapping-new": "/partners/kestrel/mappings/new",
    "partner-mapping": "/partners/kestrel/mappings/settle/edit",
    "partner-mapping-versions": "/partners/kestrel/mappings/settle/versions",
    "partner-mapping-withdrawing": "/partners/kestrel/mappings/settle/withdraw",
    "partners-together": "/change-partners?act=suspend&partner=kestrel&partner=alder&partner=orbit",
    "ending": "/ending",
    "access": "/access?at=2026-01-01T00:00",
    "access-cell": "/access/kestrel/ledger-api",
    "access-who": "/access/who?target=ledger-api",
    "search": "/search?q=kestrel",
    "exchanges": "/exchanges?outcome=refused&live=1",
    "exchanges-empty": "/exchanges?client=nobody",
    "exchange-granted": "/exchanges/{granted}",
    "exchange-refused": "/exchanges/{refused}",
    "exchange-of-a-stranger": "/exchanges/{unauthenticated}",
    "account": "/account",
    "account-confirming": "/account/confirm",
    "account-closed": "/account-closed",
    "recovery-codes-anew": "/account/recovery-codes/new",
    "people-inviting": "/people/invite",
    "sign-out": "/sign-out",
}
"""By the names of their pictures; a security admin opens them."""

PARTNERS_SIDE: Final = {
    "connect": "/connect",
    "connect-trying": "/connect/try",
    "connect-newest": "/connect/try/newest",
    "connect-domain": "/connect/domain",
    "connect-issuer-new": "/connect/issuer",
    "connect-issuer": "/connect/trusts/kestrel-idp",
    "connect-client-keys": "/connect/clients/kestrel-reports/keys",
    "connect-client-secret": "/connect/clients/kestrel-settlement/secret",
    "connect-mapping": "/connect/mappings/settle",
    "connect-exchanges": "/connect/exchanges?outcome=refused",
    "connect-exchange": "/connect/exchanges/{refused}",
    "connect-history": "/connect/history",
}
OPEN: Final = {
    "sign-in": "/sign-in",
    "welcome": f"/welcome/{links.SHOWN}",
    "invitation": f"/invitation/{links.SHOWN}",
}
EVERY_ADDRESS: Final = OPEN | ADDRESSES | PARTNERS_SIDE

ON_THE_WAY: Final = {
    "account-password": "password",
    "account_confirm_again": "confirming-again",
    "mfa_activate_totp": "app-new",
    "mfa_add_webauthn": "passkey-new",
    "mfa_authenticate": "second-step",
    "mfa_deactivate_totp": "app-remove",
    "mfa_edit_webauthn": "passkey-name",
    "mfa_reauthenticate": "confirming-by-code",
    "mfa_reauthenticate_webauthn": "confirming-by-passkey",
    "mfa_remove_webauthn": "passkey-remove",
    "mfa_view_recovery_codes": "recovery-codes",
    "openid-callback": "openid-refused",
    "account-second-factor": "second-factor-demanded",
    "partners-mappings-from-token": "mappings-that-fit",
    "partners-try": "trying",
    "people": "people",
    "people-letters": "letters",
    "people-person": "person",
    "simulator": "simulator",
    "simulator-back-test": "back-test",
    "simulator-case": "golden-token",
    "simulator-cases": "golden-tokens",
    "simulator-shadow": "shadow",
}
"""Pages that need something done first: the name of an address, and the name under which a flow looks at it."""

ALIKE: Final = {"connect-keys": "connect-client-keys"}
"""Pages of one template: the name of an address, and the page that is looked at in its place."""

NO_PAGES: Final = frozenset(
    {
        "exchanges-export",
        "home",
        "mfa_index",
        "mfa_login_webauthn",
        "openid_confirm",
        "openid_connect",
        "openid_sign_in",
        "partners-mapping-new-suggested",
        "partners-mapping-suggested",
    }
)
"""Files and redirects, and a second name of a page. Whatever answers POST alone is none either."""
