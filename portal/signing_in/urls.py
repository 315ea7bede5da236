"""The addresses of signing in, of one's account, and of lending its rights to a client or a device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.account import views as allauth
from allauth.mfa.base import views as second_step
from allauth.mfa.webauthn import views as passkeys
from django.urls import path

from portal.signing_in.openid import pages as openid
from portal.signing_in.pages import account, factors, lending, ways_in

if TYPE_CHECKING:
    from django.urls import URLPattern

urlpatterns: list[URLPattern] = [
    path("account", account.account, name="account"),
    path("account", account.account, name="mfa_index"),
    path("account/confirm", allauth.reauthenticate, name="account_reauthenticate"),
    path("account/confirm/again", account.confirm_again, name="account_confirm_again"),
    path("account/confirm/code", second_step.reauthenticate, name="mfa_reauthenticate"),
    path("account/confirm/passkey", passkeys.reauthenticate_webauthn, name="mfa_reauthenticate_webauthn"),
    path("account/confirm/openid", openid.confirm, name="openid_confirm"),
    path("account/openid", openid.connect, name="openid_connect"),
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
    path("sign-in", ways_in.sign_in, name="account_login"),
    path("sign-in/openid", openid.sign_in, name="openid_sign_in"),
    path("sign-in/openid/callback", openid.callback, name="openid-callback"),
    path("sign-in/anew", ways_in.start_over, name="account-start-over"),
    path("sign-in/second-step", second_step.authenticate, name="mfa_authenticate"),
    path("sign-in/passkey", passkeys.login_webauthn, name="mfa_login_webauthn"),
    path("welcome/<str:token>", ways_in.welcome, name="account-welcome"),
    path("sign-out", allauth.logout, name="account_logout"),
    path("account-closed", allauth.account_inactive, name="account_inactive"),
]
