"""django-oauth-toolkit as a project of its own: its token endpoint, no middleware, persistent connections."""

import os

from portal.database.connections import connection_parameters

_parameters = connection_parameters(os.environ["TOOLKIT_DATABASE_URL"])

SECRET_KEY = os.environ["TOOLKIT_SECRET_KEY"]
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "tests.bench.toolkit.urls"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "oauth2_provider"]
MIDDLEWARE: list[str] = []
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _parameters["dbname"],
        "USER": _parameters["user"],
        "HOST": _parameters["host"],
        "CONN_MAX_AGE": None,
    }
}
OAUTH2_PROVIDER = {"SCOPES": {"ledger.read": "Read", "ledger.write": "Write"}}
