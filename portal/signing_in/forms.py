"""The forms of signing in and of the account: django-allauth's and Django's, with our words and looks."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Final

from allauth.account.adapter import get_adapter as account_adapter
from allauth.account.forms import LoginForm, ReauthenticateForm
from allauth.core import context
from allauth.mfa import app_settings as factor_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as factor_forms
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn import forms as passkey_forms
from allauth.mfa.webauthn.forms import AddWebAuthnForm, EditWebAuthnForm
from django.contrib.auth.forms import SetPasswordForm
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from audit.person_events import RecoveryCodeUsed
from partners.changes import changing
from portal.people.events import about, actor_of
from portal.signing_in import failures
from portal.signing_in.authenticators import Factors
from portal.signing_in.failures import Purpose

if TYPE_CHECKING:
    from collections.abc import Iterator

    from portal.models import User

MAX_NAME: Final = 60
REMEMBERED_SECONDS: Final = 120
"""Longer than any code is good for: allauth itself remembers one for 30 seconds, and takes it for 90."""


def dress(form: Any, name: str, label: Any, missing: Any, **attributes: Any) -> None:  # noqa: ANN401
    """Give a field of somebody else's form our label, words and looks."""
    field = form.fields[name]
    field.label = label
    field.error_messages["required"] = missing
    known = {name: field.widget.attrs[name] for name in ("autocomplete",) if name in field.widget.attrs}
    field.widget.attrs = {"class": "inp", **known, **attributes}


class SignInForm(LoginForm):  # type: ignore[misc]  # allauth has no types
    """E-mail address and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        address = _("Enter your e-mail address.")
        dress(self, "login", _("E-mail address"), address, autocomplete="username", autofocus=not self.is_bound)
        dress(self, "password", _("Password"), _("Enter your password."))
        self.fields["login"].error_messages["invalid"] = _("This is no e-mail address. It looks like name@example.com.")


class ConfirmPasswordForm(ReauthenticateForm):  # type: ignore[misc]  # allauth has no types
    """The password, once more."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        words = _("Enter your password.")
        dress(self, "password", _("Password"), words, autocomplete="current-password", autofocus=True)


class _WithCode:
    """A form with one code in it."""

    authenticator: Authenticator

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        missing = _("Enter the code that your authenticator app shows.")
        usual = {"autocomplete": "one-time-code", "autocapitalize": "off", "spellcheck": "false", "autofocus": True}
        dress(self, "code", _("Code"), missing, maxlength=20, **usual)


def _address() -> str:
    return str(account_adapter().get_client_ip(context.request))


@contextmanager
def _noting(person: User | None, factor: str, purpose: Purpose) -> Iterator[None]:
    """What is found wrong inside is written down, within bounds; whom a stranger's passkey names is not believed."""
    try:
        yield
    except ValidationError as error:
        if error.code == "incorrect_code":
            if person is None:
                failures.note(_address(), "")
            else:
                failures.note_factor(_address(), person, factor, purpose)
        raise


class _Once(_WithCode):
    """A code of an app opens one door: who looked over a shoulder comes too late (RFC 6238 section 5.2)."""

    user: User
    cleaned_data: dict[str, Any]
    purpose: ClassVar[Purpose]

    def clean_code(self) -> str:
        digits = re.sub(r"[^0-9]", "", self.cleaned_data["code"])
        is_recovery = len(digits) == factor_settings.RECOVERY_CODE_DIGITS
        factor = Authenticator.Type.RECOVERY_CODES if is_recovery else Authenticator.Type.TOTP
        with _noting(self.user, str(factor), self.purpose), changing(actor_of(self.user)) as change:
            code: str = super().clean_code()  # type: ignore[misc]  # the form it is mixed into
            if self.authenticator.type == Authenticator.Type.RECOVERY_CODES:
                data = about(self.user) | {"purpose": str(self.purpose), "address": _address()}
                change.record(RecoveryCodeUsed(data=data | {"left": Factors(self.user).codes_left}))
            elif not cache.add(f"totp-used:{self.authenticator.pk}:{digits}", 1, REMEMBERED_SECONDS):
                raise get_adapter().validation_error("incorrect_code")
        return code


class SignInCodeForm(_Once, factor_forms.AuthenticateForm):  # type: ignore[misc]  # allauth has no types
    """The second factor of a sign-in: a code of the app, or a recovery code."""

    purpose = Purpose.SIGN_IN


class ConfirmCodeForm(_Once, factor_forms.ReauthenticateForm):  # type: ignore[misc]  # allauth has no types
    """A code, to prove it again."""

    purpose = Purpose.CONFIRM


class _WithPasskey:
    """A form with what a passkey signed in it."""

    user: User | None
    purpose: ClassVar[Purpose] = Purpose.SIGN_IN

    def clean_credential(self) -> Authenticator:
        with _noting(self.user, str(Authenticator.Type.WEBAUTHN), self.purpose):
            return super().clean_credential()  # type: ignore[misc]  # the form it is mixed into


class PasskeySignInForm(_WithPasskey, passkey_forms.LoginWebAuthnForm):  # type: ignore[misc]  # allauth has no types
    """A passkey alone: nobody is meant until it is believed."""


class SecondPasskeyForm(_WithPasskey, passkey_forms.AuthenticateWebAuthnForm):  # type: ignore[misc]  # as above
    """A passkey after the password."""


class ConfirmPasskeyForm(_WithPasskey, passkey_forms.ReauthenticateWebAuthnForm):  # type: ignore[misc]  # as above
    """A passkey, to prove it again."""

    purpose = Purpose.CONFIRM


class AppForm(_WithCode, ActivateTOTPForm):  # type: ignore[misc]  # allauth has no types
    """The first code of an authenticator app, which shows that it has the secret."""


class PasskeyForm(AddWebAuthnForm):  # type: ignore[misc]  # allauth has no types
    """A new passkey: its name, and what the browser made."""

    passwordless = None  # decided by the page: every passkey here can sign in by itself

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        dress(self, "name", _("Name"), _("Enter a name."), maxlength=MAX_NAME, autocomplete="off")

    def clean_name(self) -> str:
        """The name, shortened: what the browser made is not refused for it, since it cannot be taken back."""
        return str(super().clean_name())[:MAX_NAME]


class PasskeyNameForm(EditWebAuthnForm):  # type: ignore[misc]  # allauth has no types
    """Another name for a passkey."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        words = _("Enter a name, so that you know this passkey from others.")
        dress(self, "name", _("Name"), words, maxlength=MAX_NAME, autocomplete="off", autofocus=True)

    def clean_name(self) -> str:
        """The name, if it is short enough for a list."""
        name = str(self.cleaned_data["name"])
        if len(name) > MAX_NAME:
            raise ValidationError(_("The name has more than 60 characters. Shorten it."))
        return name


class NewPasswordForm(SetPasswordForm):  # type: ignore[type-arg]  # the class takes no arguments when it runs
    """A password, twice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        self.error_messages["password_mismatch"] = _("The two passwords are not the same. Enter the same one twice.")
        words = {
            "new_password1": (_("New password"), _("Enter a password of 12 characters or more.")),
            "new_password2": (_("New password, again"), _("Enter the new password a second time.")),
        }
        for name, (label, missing) in words.items():
            dress(self, name, label, missing, autocomplete="new-password")
            self.fields[name].help_text = ""
