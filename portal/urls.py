"""Every address of the Django lane; the hot paths are answered before Django (``portal.asgi``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.account import views as allauth
from allauth.mfa.base import views as second_step
from allauth.mfa.webauthn import views as passkeys
from django.urls import include, path

from portal.api.nowhere import Nowhere
from portal.partner_side.pages.invitation import invitation
from portal.views import (
    access,
    account,
    back_tests,
    endings,
    exchanges,
    factors,
    golden,
    home,
    lending,
    openid,
    overview,
    partner_life,
    partner_people,
    partner_registering,
    partner_trusts,
    partner_trying,
    partners,
    partners_bulk,
    people,
    search,
    shadows,
    signing_in,
    simulator,
    trust_health,
)

if TYPE_CHECKING:
    from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("account", account.account, name="account"),
    path("account", account.account, name="mfa_index"),
    path("account/confirm", allauth.reauthenticate, name="account_reauthenticate"),
    path("account/confirm/again", account.confirm_again, name="account_confirm_again"),
    path("account/confirm/code", second_step.reauthenticate, name="mfa_reauthenticate"),
    path("account/confirm/passkey", passkeys.reauthenticate_webauthn, name="mfa_reauthenticate_webauthn"),
    path("account/password", account.password, name="account-password"),
    path("account/second-factor", account.second_factor, name="account-second-factor"),
    path("account/app", factors.add_app, name="mfa_activate_totp"),
    path("account/app/remove", factors.remove_app, name="mfa_deactivate_totp"),
    path("account/recovery-codes", factors.show_codes, name="mfa_view_recovery_codes"),
    path("account/recovery-codes/new", factors.make_codes, name="mfa_generate_recovery_codes"),
    path("account/passkeys/new", factors.add_passkey, name="mfa_add_webauthn"),
    path("account/passkeys/<int:pk>/name", factors.rename_passkey, name="mfa_edit_webauthn"),
    path("account/passkeys/<int:pk>/remove", factors.remove_passkey, name="mfa_remove_webauthn"),
    path("account/sessions/end", account.end_other_sessions, name="account-sessions-end"),
    path("account/sessions/<int:session_id>/end", account.end_session, name="account-session-end"),
    path("account/consents/<uuid:client>/withdraw", account.withdraw_consent, name="account-consent-withdraw"),
    path("oauth/authorize", lending.authorize, name="lending-authorize"),
    path("oauth/device", lending.device, name="lending-device"),
    path("oauth/", include("exchange.urls")),
    path("api", Nowhere.as_view()),
    path("api/", include("portal.api.urls")),
    path("sign-in", signing_in.sign_in, name="account_login"),
    path("welcome/<str:token>", signing_in.welcome, name="account-welcome"),
    path("sign-in/openid", openid.sign_in, name="openid_sign_in"),
    path("sign-in/openid/callback", openid.callback, name="openid-callback"),
    path("account/confirm/openid", openid.confirm, name="openid_confirm"),
    path("account/openid", openid.connect, name="openid_connect"),
    path("sign-in/anew", signing_in.start_over, name="account-start-over"),
    path("sign-in/second-step", second_step.authenticate, name="mfa_authenticate"),
    path("sign-in/passkey", passkeys.login_webauthn, name="mfa_login_webauthn"),
    path("sign-out", allauth.logout, name="account_logout"),
    path("account-closed", allauth.account_inactive, name="account_inactive"),
    path("overview", overview.overview, name="overview"),
    path("partners", partners.partners, name="partners"),
    path("partners/<slug:slug>", partners.summary, name="partners-summary"),
    path("partners/<slug:slug>/trust", partner_trusts.trusts, name="partners-trust"),
    path("partners/<slug:slug>/trust/health", trust_health.health, name="partners-trust-health"),
    path("partners/<slug:slug>/clients", partners.clients, name="partners-clients"),
    path("partners/<slug:slug>/mappings", partners.mappings, name="partners-mappings"),
    path("partners/<slug:slug>/activity", partners.activity, name="partners-activity"),
    path("partners/<slug:slug>/integration", partner_registering.handed_over, name="partners-integration"),
    path("partners/<slug:slug>/try", partner_trying.tried, name="partners-try"),
    path("partners/<slug:slug>/history", partner_registering.history, name="partners-history"),
    path("partners/<slug:slug>/edit", partner_registering.edit, name="partners-edit"),
    path("ending", endings.ending, name="partners-ending"),
    path("change-partners", partners_bulk.several, name="partners-bulk"),
    path("register-partner", partner_registering.new, name="partners-new"),
    path("partners/<slug:slug>/people", partner_people.people, name="partners-people"),
    path("partners/<slug:slug>/people/", include("portal.partner_pages.people_urls")),
    path("partners/<slug:slug>/clients/", include("portal.partner_pages.client_urls")),
    path("partners/<slug:slug>/acts/<slug:act>", partner_life.act, name="partners-act"),
    path("partners/<slug:slug>/trust/", include("portal.partner_pages.trust_urls")),
    path("partners/<slug:slug>/mappings/", include("portal.partner_pages.mapping_urls")),
    path("invitation/<str:token>", invitation, name="invitation"),
    path("", include("portal.partner_side.urls")),
    path("people", people.listed, name="people"),
    path("people/", include("portal.people.urls")),
    path("_mail", people.letters, name="people-letters"),
    path("access", access.access, name="access"),
    path("access/who", access.who, name="access-who"),
    path("access/<slug:slug>/<slug:target>", access.cell, name="access-cell"),
    path("simulator", simulator.simulator, name="simulator"),
    path("simulator/back-test/<slug:slug>/<slug:name>", back_tests.back_tests, name="simulator-back-test"),
    path("simulator/shadow/<slug:slug>/<slug:name>", shadows.shadow, name="simulator-shadow"),
    path("simulator/shadow/<slug:slug>/<slug:name>/start", shadows.start, name="simulator-shadow-start"),
    path("simulator/shadow/<slug:slug>/<slug:name>/stop", shadows.stop, name="simulator-shadow-stop"),
    path("simulator/cases", golden.cases, name="simulator-cases"),
    path("simulator/cases/save", golden.save, name="simulator-case-save"),
    path("simulator/cases/<uuid:case_id>", golden.case, name="simulator-case"),
    path("simulator/cases/<uuid:case_id>/run", golden.run, name="simulator-case-run"),
    path("simulator/cases/<uuid:case_id>/rename", golden.rename, name="simulator-case-rename"),
    path("simulator/cases/<uuid:case_id>/delete", golden.delete, name="simulator-case-delete"),
    path("search", search.search, name="search"),
    path("exchanges", exchanges.exchanges, name="exchanges"),
    path("exchanges/export.csv", exchanges.export, name="exchanges-export"),
    path("exchanges/<str:reference>", exchanges.trace, name="exchanges-trace"),
]

handler400 = "portal.views.errors.bad_request"
handler403 = "portal.views.errors.permission_denied"
handler404 = "portal.views.errors.page_not_found"
handler500 = "portal.views.errors.server_error"
