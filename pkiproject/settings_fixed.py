"""What is the same wherever Chancery runs: how rooms and libraries are put together; settings.py has the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _

BASE_DIR = Path(__file__).resolve().parent.parent

# --- the rooms --------------------------------------------------------------------------------------------------------

WSGI_APPLICATION = "pkiproject.wsgi.application"
ROOT_URLCONF = "pkiproject.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
APPEND_SLASH = False
INSTALLED_APPS = [
    "pkiproject",
    "web",
    "api",
    "notices",
    "acme_client",
    "certificates",
    "cas",
    "accounts",
    "audit",
    "web.apps.ChanceryAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "rest_framework",
    "drf_spectacular",
    "corsheaders",
]
MIDDLEWARE = [
    "pkiproject.metrics.requests.RequestTimes",
    "certificates.public.PublicEndpoints",
    "acme_client.public.HttpChallenges",
    "pkiproject.health.HealthEndpoints",
    "pkiproject.proxies.ClientCertificate",
    "pkiproject.proxies.ClientAddress",
    "api.common.trace.TraceId",
    "api.request_log.RequestLog",
    "django.middleware.security.SecurityMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "web.middleware.ContentSecurityPolicy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "web.middleware.PasswordFirst",
    "web.middleware.SecondFactorFirst",
    "web.limits.PageLimits",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["api.common.parser.StrictJsonParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": ["api.common.auth.Credentials"],
    "DEFAULT_PERMISSION_CLASSES": ["api.common.permissions.HoldsPermission"],
    "DEFAULT_SCHEMA_CLASS": "api.common.openapi.OperationSchema",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "OAS_VERSION": "3.1.0",
    "COMPONENT_SPLIT_PATCH": False,
    # It would judge all versions as one document; each is a document of its own, and is tested as one.
    "ENABLE_DJANGO_DEPLOY_CHECK": False,
    "ENFORCE_NON_BLANK_FIELDS": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "PATH_CONVERTER_OVERRIDES": {
        "number": {"type": "integer", "minimum": 1, "maximum": 10**18 - 1},
        "public_id": {"type": "string", "format": "uuid"},
    },
    "POSTPROCESSING_HOOKS": [],
    "SORT_OPERATION_PARAMETERS": False,
    "SORT_OPERATIONS": False,
}

# --- who comes in -----------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.sessions.PasswordBackend"]
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/"
PASSWORD_RESET_TIMEOUT = 3600
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]

# What django-allauth does here: the steps of signing in, second factors, sessions, providers elsewhere. Nobody makes an
# account for themselves, and addresses are shown to be somebody's by invitations.
ACCOUNT_ADAPTER = "web.account.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email", "username"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
# Of one second factor, and of a password that is asked for again. Signing in counts for itself: web/sign_in.py.
ACCOUNT_RATE_LIMITS = {"login_failed": "10/15m/key"}
MFA_ADAPTER = "accounts.second_factors.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True
# A clock may be half a minute wrong.
MFA_TOTP_TOLERANCE = 1
MFA_FORMS = {
    "authenticate": "web.account.forms.CodeForm",
    "authenticate_webauthn": "web.account.forms.PasskeyForm",
    "login_webauthn": "web.account.forms.PasskeySignInForm",
    "reauthenticate": "web.account.forms.CodeAgainForm",
    "reauthenticate_webauthn": "web.account.forms.PasskeyAgainForm",
}
ACCOUNT_FORMS = {"reauthenticate": "web.account.forms.PasswordAgainForm"}
SOCIALACCOUNT_ADAPTER = "web.account.external.ProviderAdapter"
# A form may not lead to another site, which the Content-Security-Policy holds browsers to, and a link may.
SOCIALACCOUNT_LOGIN_ON_GET = True

# --- browsers ---------------------------------------------------------------------------------------------------------

SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_NAME = "chancery_session"
SESSION_COOKIE_AGE = 12 * 3600
CSRF_COOKIE_NAME = "chancery_csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "web.errors.csrf_failure"
X_FRAME_OPTIONS = "DENY"
FILE_UPLOAD_HANDLERS = [
    "pkiproject.uploads.LimitedUpload",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
# The CORS protocol of the Fetch standard: pages of CHANCERY_API_ORIGINS may call the API, with a token and never with a
# cookie, and may ask for one. The metadata of OAuth says of itself that every page may read it.
CORS_ALLOW_CREDENTIALS = False
CORS_URLS_REGEX = r"/(api|v1)/|/oauth/(token|revoke)$|/\.well-known/oauth-"
CORS_ALLOW_HEADERS = ["Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "Prefer"]
CORS_EXPOSE_HEADERS = [
    "Content-Disposition",
    "Content-Location",
    "ETag",
    "Location",
    "Preference-Applied",
    "Retry-After",
    "WWW-Authenticate",
    "X-Trace-Id",
]
# An origin that is taken out is forgotten by browsers in this time.
CORS_PREFLIGHT_MAX_AGE = 600
# Subdomains and browsers' preload lists belong to the owner of the domain, not to one service in it.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

# --- workers ----------------------------------------------------------------------------------------------------------

CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# What is printed is not logged: a mail that is written to the terminal would lose the link that it is for.
CELERY_WORKER_REDIRECT_STDOUTS = False
# Threads share one pool of connections, and the signatures they make release the interpreter's lock.
CELERY_WORKER_POOL = "threads"

# --- languages, time, files -------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("fr", _("French")), ("de", _("German"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
FORMAT_MODULE_PATH = ["web.formats"]
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
