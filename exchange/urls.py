"""Addresses of the interactive grants (RFC 6749 section 3). ``/oauth/token`` is the lane's, which hands some here."""

from django.urls import path

from exchange import device_views
from exchange.views import ConsentView, TokenView

urlpatterns = [
    path("authorize", ConsentView.as_view(), name="oauth-authorize"),
    path("token", TokenView.as_view(), name="oauth-token"),
    path("device", device_views.DeviceView.as_view(), name="oauth-device"),
    path("device/allowed", device_views.allowed, name="oauth-device-allowed"),
    path("device/refused", device_views.refused, name="oauth-device-refused"),
]
