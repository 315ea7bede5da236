"""Ways to prove who one is: an authenticator app, recovery codes, passkeys. django-allauth's views, audited.

Whoever changes one has proven a short while ago who they are (``portal.signing_in.confirming``); the event is
written in the transaction of the change.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from allauth.mfa.webauthn.internal import auth as ceremonies
from django.http import Http404
from django.shortcuts import render
from django.urls import reverse_lazy
from django.utils.translation import gettext as _

from audit.person_events import FactorAdded, FactorRemoved, FactorRenamed, RecoveryCodesMade
from partners.changes import changing
from portal.people.events import about, actor_of
from portal.signing_in.authenticators import Factors, allows_passkeys
from portal.signing_in.confirming import confirmed
from portal.signing_in.second_factor import demanding_roles

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from audit.events import Event


class _Audited(ABC):
    """A form of allauth's whose success is written down with it, and whose refusal is 422."""

    request: Any
    action: Any

    @abstractmethod
    def event(self, form: Any, data: dict[str, Any]) -> Event:  # noqa: ANN401
        """What to write down once the form was acted on."""

    def form_valid(self, form: Any) -> HttpResponse:  # noqa: ANN401
        with changing(actor_of(self.request.user)) as change:
            response: HttpResponse = super().form_valid(form)  # type: ignore[misc]  # the view it is mixed into
            change.record(self.event(form, dict(about(self.request.user))))
        return response

    def form_invalid(self, form: Any) -> HttpResponse:  # noqa: ANN401
        response: HttpResponse = super().form_invalid(form)  # type: ignore[misc]  # the view it is mixed into
        response.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
        return response


class AddApp(_Audited, totp.ActivateTOTPView):  # type: ignore[misc]  # allauth has no types
    """Enrol an authenticator app (RFC 6238): the picture, the secret, and the first code."""

    def event(self, form: Any, data: dict[str, Any]) -> Event:  # noqa: ANN401, ARG002
        return FactorAdded(data=data | {"factor": "totp", "name": ""})


class RemoveApp(_Audited, totp.DeactivateTOTPView):  # type: ignore[misc]  # allauth has no types
    """Take the authenticator app away."""

    def event(self, form: Any, data: dict[str, Any]) -> Event:  # noqa: ANN401, ARG002
        return FactorRemoved(data=data | {"factor": "totp", "name": ""})


class MakeCodes(_Audited, recovery.GenerateRecoveryCodesView):  # type: ignore[misc]  # allauth has no types
    """New recovery codes in place of the old ones. They stand in for a second factor: without one there are none."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"has_factor": Factors(self.request.user).are_enough}

    def event(self, form: Any, data: dict[str, Any]) -> Event:  # noqa: ANN401, ARG002
        return RecoveryCodesMade(data=data)


class AddPasskey(_Audited, webauthn.AddWebAuthnView):  # type: ignore[misc]  # allauth has no types
    """Enrol a passkey that signs in by itself: kept by the device, with its owner's gesture each time."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"options": ceremonies.begin_registration(self.request.user, passwordless=True)}

    def event(self, form: Any, data: dict[str, Any]) -> Event:  # noqa: ANN401
        return FactorAdded(data=data | {"factor": "webauthn", "name": form.cleaned_data["name"]})


class RenamePasskey(_Audited, webauthn.EditWebAuthnView):  # type: ignore[misc]  # allauth has no types
    """Call a passkey something else."""

    success_url = reverse_lazy("account")

    def event(self, form: Any, data: dict[str, Any]) -> Event:  # noqa: ANN401
        return FactorRenamed(data=data | {"factor": "webauthn", "name": form.cleaned_data["name"]})


class RemovePasskey(_Audited, webauthn.RemoveWebAuthnView):  # type: ignore[misc]  # allauth has no types
    """Take a passkey away."""

    success_url = reverse_lazy("account")

    def event(self, form: Any, data: dict[str, Any]) -> Event:  # noqa: ANN401, ARG002
        return FactorRemoved(data=data | {"factor": "webauthn", "name": self.object.wrap().name})


def _stays(view: Any) -> Any:  # noqa: ANN401
    """Refuse to take away the last factor of somebody whose roles demand one."""

    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        demanded = demanding_roles(request.user)
        if demanded and Factors(request.user).are_last:  # type: ignore[arg-type]
            context = {"roles": demanded}
            return render(request, "mfa/last_factor.html", context, status=HTTPStatus.CONFLICT)
        response: HttpResponse = view(request, *args, **kwargs)
        return response

    return guarded


def _possible(view: Any) -> Any:  # noqa: ANN401
    """Passkeys need a host name; where there is none the account page says so and offers no link."""

    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if not allows_passkeys():
            raise Http404(_("Browsers make passkeys for host names only, and this installation has an address."))
        response: HttpResponse = view(request, *args, **kwargs)
        return response

    return guarded


add_app = confirmed(AddApp.as_view())
remove_app = confirmed(_stays(RemoveApp.as_view()))
make_codes = confirmed(MakeCodes.as_view())
show_codes = confirmed(recovery.view_recovery_codes)
add_passkey = confirmed(_possible(AddPasskey.as_view()))
rename_passkey = confirmed(RenamePasskey.as_view())
remove_passkey = confirmed(_stays(RemovePasskey.as_view()))
