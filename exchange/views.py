"""The pages and the relayed endpoint of the interactive grants (RFC 6749 section 4.1), by django-oauth-toolkit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from csp.decorators import csp_update
from django.db import transaction
from django.http import HttpResponse
from django.utils.decorators import method_decorator
from oauth2_provider.views import base

from exchange.consents import terms
from exchange.interactive import Withheld
from exchange.protocol.request import DEVICE_CODE
from exchange.roots import in_turn

if TYPE_CHECKING:
    from django.http import HttpRequest


@method_decorator(csp_update({"form-action": ["https:"]}), name="dispatch")
class ConsentView(base.AuthorizationView):
    """Asks a signed-in person whether a client may act for them.

    The form is answered with a redirect to the client, which the page's policy must allow; the toolkit redirects only
    to addresses that are registered, compared exactly (RFC 9700 section 4.1.1).
    """

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401
        """With where the client may act for the person, and until when (ASVS 10.7.2)."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        client_id = getattr(context.get("application"), "client_id", "")
        return context | ({"terms": terms(client_id)} if client_id else {})


class TokenView(base.TokenView):
    """The toolkit's token endpoint, reached through ours alone."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:  # noqa: ANN401
        """The toolkit's answer. Where our pipeline gave no token, nothing of it leaves: our refusal takes its place."""
        try:
            if request.POST.get("grant_type") == DEVICE_CODE:
                with transaction.atomic():  # the device's row is locked until its token is there, else stays as it was
                    return self.authorization_flow_token_response(request)
            with transaction.atomic():
                in_turn(request.POST.get("refresh_token", ""))
                return super().post(request, *args, **kwargs)
        except Withheld:
            return HttpResponse(status=400)
