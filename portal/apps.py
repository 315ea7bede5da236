"""Registers what Django finds only when asked to: the checks of this package, and the Celery application."""

from importlib import import_module

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """The portal."""

    name = "portal"

    def ready(self) -> None:
        """Checks register themselves when their module is imported; tasks are sent by our Celery application."""
        import_module("portal.database.checks")
        import_module("portal.static_files")
        import_module("portal.celery")
