"""The settings of the tests, of mypy and of ``makemigrations``: importable with nothing set."""

import os
from base64 import b64encode
from pathlib import Path

_ABSENT = "postgresql://handover@/absent?host=/nonexistent"  # whoever connects gets a clear error, not a real server
_DEFAULTS = {
    "HANDOVER_ISSUER": "http://127.0.0.1:8000",
    "HANDOVER_ENVIRONMENT": "Tests",
    "HANDOVER_SECOND_FACTOR_ROLES": "none",
    "DATABASE_URL": _ABSENT,
    "DATABASE_OWNER_URL": _ABSENT,
    "REDIS_URL": "unix:///nonexistent",
    "HANDOVER_FAILED_AUTHENTICATIONS_PER_MINUTE": "0",  # many tests fail to authenticate, all from one address
    "HANDOVER_KEK": b64encode(bytes(range(32))).decode(),
}
for _name, _value in _DEFAULTS.items():
    os.environ.setdefault(_name, _value)

from portal.settings.base import *  # noqa: E402, F403 - the environment comes first

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # tests sign in often
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STATIC_ROOT = Path(os.environ.get("HANDOVER_TEST_STATIC", STATIC_ROOT))  # noqa: F405 - where browser tests collect

if os.environ["DATABASE_URL"] == _ABSENT:
    DATABASES = {"default": {"ENGINE": "django.db.backends.dummy"}}  # who only reads the models need not knock in vain
