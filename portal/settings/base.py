"""Django's settings. Environments differ by environment variables (``portal.config``), not by modules."""

import os
from datetime import timedelta
from pathlib import Path
from ssl import CERT_REQUIRED
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF

from portal import logging as log_lines
from portal.config import Config
from portal.config_values import mail_settings
from portal.database.connections import django_database
from portal.scopes import API_SCOPES

HANDOVER = Config.from_env(os.environ)
LOGGING = log_lines.LOGGING
log_lines.configure_structlog()

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
    "csp",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "oauth2_provider",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "portal.middleware.StaticFilesMiddleware",
    "csp.middleware.CSPMiddleware",
    "portal.middleware.PageHeadersMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",  # closed by default; open views say so
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "portal.middleware.ReadableAddressMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "portal.signing_in.second_factor.SecondFactorMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.frame.frame",
            ],
            "builtins": [
                "django.templatetags.i18n",
                "django.templatetags.static",
                "portal.templatetags.handover",
                "portal.templatetags.partner_states",
            ],
        },
    },
]

DATABASES = {"default": django_database(HANDOVER.database_url)}

OAUTH2_PROVIDER_APPLICATION_MODEL = "partners.Client"
OAUTH2_PROVIDER_ACCESS_TOKEN_MODEL = "oauth2_provider.AccessToken"
OAUTH2_PROVIDER_REFRESH_TOKEN_MODEL = "oauth2_provider.RefreshToken"
OAUTH2_PROVIDER_ID_TOKEN_MODEL = "oauth2_provider.IDToken"
OAUTH2_PROVIDER_GRANT_MODEL = "oauth2_provider.Grant"
OAUTH2_PROVIDER_DEVICE_GRANT_MODEL = "exchange.DeviceGrant"

# --- pages -------------------------------------------------------------------------------------------------------

IS_SECURE = HANDOVER.issuer.startswith("https://")

STATIC_URL = "/static/"
STATIC_ROOT = Path(os.environ["HANDOVER_VAR"]) / "static" if "HANDOVER_VAR" in os.environ else BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder"
]  # no app's own files: ours are all of them
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_KEEP_ONLY_HASHED_FILES = True

CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": HANDOVER.redis_url,
        "KEY_PREFIX": "portal",
        "OPTIONS": {"socket_connect_timeout": 0.25, "socket_timeout": 0.5},
    }
}

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "portal.signing_in.accounts.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_FORMS = {
    "login": "portal.signing_in.forms.SignInForm",
    "reauthenticate": "portal.signing_in.forms.ConfirmPasswordForm",
}
ACCOUNT_REAUTHENTICATION_TIMEOUT = int(timedelta(minutes=5).total_seconds())
MFA_ADAPTER = "portal.signing_in.authenticators.AuthenticatorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_TOLERANCE = 1  # a code of the half minute before or after: clocks of phones differ (RFC 6238 section 5.2)
MFA_FORMS = {
    "authenticate": "portal.signing_in.forms.SignInCodeForm",
    "reauthenticate": "portal.signing_in.forms.ConfirmCodeForm",
    "authenticate_webauthn": "portal.signing_in.forms.SecondPasskeyForm",
    "reauthenticate_webauthn": "portal.signing_in.forms.ConfirmPasskeyForm",
    "login_webauthn": "portal.signing_in.forms.PasskeySignInForm",
    "activate_totp": "portal.signing_in.forms.AppForm",
    "add_webauthn": "portal.signing_in.forms.PasskeyForm",
    "edit_webauthn": "portal.signing_in.forms.PasskeyNameForm",
}

globals().update(mail_settings(HANDOVER.mail_url))  # EMAIL_BACKEND and what goes with it
DEFAULT_FROM_EMAIL = SERVER_EMAIL = HANDOVER.mail_from

_HOST_PREFIX = "__Host-" if IS_SECURE else ""  # a sibling host cannot set a cookie of this name (RFC 6265bis)
SESSION_COOKIE_NAME = f"{_HOST_PREFIX}handover-session"
SESSION_COOKIE_AGE = int(timedelta(hours=12).total_seconds())
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_SECURE
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = f"{_HOST_PREFIX}handover-csrf"
CSRF_FAILURE_VIEW = "portal.views.errors.csrf_failure"
CSRF_TRUSTED_ORIGINS = ["{0.scheme}://{0.netloc}".format(urlsplit(HANDOVER.issuer))]
APPEND_SLASH = False

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if IS_SECURE else 0
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    },
}

SPECTACULAR_SETTINGS: dict[str, Any] = {  # the description of our own API: portal/api/description.py
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": ["portal.api.description.complete"],
    "PATH_CONVERTER_OVERRIDES": {
        "slug": {"type": "string", "pattern": "^[-a-zA-Z0-9_]{1,63}$"},
        "scope": {"type": "string", "minLength": 1, "maxLength": 128},
    },
}

# --- background work ---------------------------------------------------------------------------------------------

CELERY_BROKER_URL = HANDOVER.broker_url
CELERY_BROKER_USE_SSL = HANDOVER.redis_url.startswith("rediss:") and {"ssl_cert_reqs": CERT_REQUIRED}  # not its default
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "global_keyprefix": "handover:",
    "visibility_timeout": 120,  # above the longest task: a message is not delivered twice while it is worked on
    "socket_connect_timeout": 1,
    "socket_timeout": 5,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_DEFAULT_QUEUE = "handover"
CELERY_TASK_PUBLISH_RETRY = False  # a wake-up that cannot be sent now is not worth waiting for
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SOFT_TIME_LIMIT = 90
CELERY_TASK_TIME_LIMIT = 100
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_BEAT_SCHEDULER = "portal.celery.MemoryScheduler"
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {  # a wake-up that no worker took is not kept for later
    "refresh key sets": {"task": "exchange.refresh_key_sets", "schedule": 60.0, "options": {"expires": 50}},
    "rotate signing keys": {"task": "exchange.rotate_keys", "schedule": 3600.0, "options": {"expires": 600}},
    "sweep expired rows": {"task": "exchange.sweep_expired", "schedule": 300.0, "options": {"expires": 240}},
    "try golden tokens": {"task": "exchange.try_golden_tokens", "schedule": 60.0, "options": {"expires": 50}},
    "try canaries": {"task": "portal.try_canaries", "schedule": 60.0, "options": {"expires": 50}},
    "watch trusts": {"task": "exchange.watch_trusts", "schedule": 60.0, "options": {"expires": 50}},
    "remind of what ends": {"task": "portal.remind", "schedule": 600.0, "options": {"expires": 500}},
    "follow the trail with shadows": {"task": "portal.follow_shadows", "schedule": 60.0, "options": {"expires": 50}},
    "sweep kept answers": {"task": "portal.sweep_kept_answers", "schedule": 3600.0, "options": {"expires": 600}},
    "clear sessions": {"task": "portal.clear_sessions", "schedule": 3600.0, "options": {"expires": 600}},
    "count what is over": {"task": "audit.count_spans", "schedule": 600.0, "options": {"expires": 500}},
    "sweep counts": {"task": "audit.sweep_spans", "schedule": 3600.0, "options": {"expires": 600}},
    "extend the audit trail": {"task": "audit.extend_partitions", "schedule": 86_400.0, "options": {"expires": 3600}},
}

OAUTH2_PROVIDER: dict[str, Any] = {
    "OAUTH2_VALIDATOR_CLASS": "exchange.interactive.Validator",
    "ACCESS_TOKEN_GENERATOR": "exchange.interactive.access_token",
    "REFRESH_TOKEN_GENERATOR": "exchange.interactive.refresh_token",
    "SCOPES": API_SCOPES,
    "DEFAULT_SCOPES": [],
    "ACCESS_TOKEN_EXPIRE_SECONDS": int(HANDOVER.token_lifetime.total_seconds()),
    "REFRESH_TOKEN_EXPIRE_SECONDS": int(timedelta(hours=12).total_seconds()),
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": 0,
    "ROTATE_REFRESH_TOKEN": True,
    "AUTHORIZATION_CODE_EXPIRE_SECONDS": 60,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
    "PKCE_REQUIRED": True,
    "OIDC_ISS_ENDPOINT": HANDOVER.issuer,
    "OAUTH_PRE_TOKEN_VALIDATION": [],
    "RESOURCE_SERVER_TOKEN_CACHING_SECONDS": 0,
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
    "COMPLIANT_BCP_RFC9700_REFRESH_TOKEN": True,
    "COMPLIANT_BCP_RFC9700_REDIRECT_URI_SCHEME": True,
    "COMPLIANT_BCP_RFC9700_REDIRECT_URI_MATCHING": True,
    "COMPLIANT_BCP_RFC9700_PKCE_REQUIRED": True,
}
