"""The Django application of the exchange; importing its checks registers them (RFC 9700 settings)."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class ExchangeConfig(AppConfig):
    """The token endpoint."""

    name = "exchange"

    def ready(self) -> None:
        """Register the deploy checks."""
        import_module("exchange.checks")
