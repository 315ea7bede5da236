"""Django's settings. Environments differ by environment variables (``portal.config``), not by modules."""

import os
from pathlib import Path

from portal.config import Config
from portal.database import django_database

HANDOVER = Config.from_env(os.environ)

BASE_DIR = Path(__file__).resolve().parents[2]
DEBUG = False
SECRET_KEY, *SECRET_KEY_FALLBACKS = (kek.derive("django").hex() for kek in HANDOVER.keks)
ALLOWED_HOSTS = ["*"]  # links and the issuer come from configuration, never from Host (rule 154)
ROOT_URLCONF = "portal.urls"
ASGI_APPLICATION = "portal.asgi.application"
AUTH_USER_MODEL = "portal.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"

INSTALLED_APPS = [
    "portal",
    "exchange",
    "partners",
    "audit",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_htmx",
    "oauth2_provider",
]

DATABASES = {"default": django_database(HANDOVER.database_url)}

OAUTH2_PROVIDER_APPLICATION_MODEL = "partners.Client"
OAUTH2_PROVIDER_ACCESS_TOKEN_MODEL = "oauth2_provider.AccessToken"  # noqa: S105 - a model's name
OAUTH2_PROVIDER_REFRESH_TOKEN_MODEL = "oauth2_provider.RefreshToken"  # noqa: S105
OAUTH2_PROVIDER_ID_TOKEN_MODEL = "oauth2_provider.IDToken"  # noqa: S105
OAUTH2_PROVIDER_GRANT_MODEL = "oauth2_provider.Grant"
