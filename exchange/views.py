"""The page of this app: consent for an interactive grant (RFC 6749 section 4.1), by django-oauth-toolkit."""

from __future__ import annotations

from csp.decorators import csp_update
from django.utils.decorators import method_decorator
from oauth2_provider.views.base import AuthorizationView


@method_decorator(csp_update({"form-action": ["https:"]}), name="dispatch")
class ConsentView(AuthorizationView):
    """Asks a signed-in person whether a client may act for them.

    The form is answered with a redirect to the client, which the page's policy must allow; the toolkit redirects only
    to addresses that are registered, compared exactly (RFC 9700 section 4.1.1).
    """
