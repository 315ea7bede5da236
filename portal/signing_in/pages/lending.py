"""Lending one's rights to a client or a device takes a fresh proof: what it holds could publish and activate.

Without it a stolen session alone could let in a device of the thief's, and do by its token what the pages ask for.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING

from exchange.device_views import DeviceView
from exchange.views import ConsentView
from portal.signing_in import confirming

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponseBase

    View = Callable[..., HttpResponseBase]


def _proven(view: View) -> View:
    """Ask who is there first, then show the page anew: its answer may lead to a client, which no form of ours may."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if request.user.is_authenticated and not confirming.is_fresh(request):
            return confirming.ask(request, request.get_full_path())
        return view(request, *args, **kwargs)

    return guarded


authorize = _proven(ConsentView.as_view())
device = _proven(DeviceView.as_view())
