"""What the environment decides; docs/operations.md lists the names. Nonsense stops the start.

What is the same everywhere stands in settings_fixed.py.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from kernel.features import Feature
from kernel.secret import Secret
from pkiproject.databases import database_from_url
from pkiproject.environment import Environment
from pkiproject.keyfiles import key_beside_database
from pkiproject.settings_fixed import *  # noqa: F403
from pkiproject.settings_fixed import BASE_DIR

_env = Environment(os.environ)

# --- where things are -------------------------------------------------------------------------------------------------

STATE_DIR = _env.path("CHANCERY_STATE_DIR", BASE_DIR / "var")
STATIC_ROOT = _env.path("CHANCERY_STATIC_DIR", STATE_DIR / "static")
AUDIT_CHECKPOINT_DIR = _env.path("CHANCERY_CHECKPOINT_DIR", STATE_DIR / "checkpoints")

# --- processes --------------------------------------------------------------------------------------------------------

DEBUG = _env.flag("CHANCERY_DEBUG", default=False)
SERVER_HOST = _env.address("CHANCERY_HOST", "127.0.0.1")
SERVER_PORT = _env.number("CHANCERY_PORT", 8000, low=1, high=65535)
WEB_PROCESSES = _env.number("CHANCERY_WEB_PROCESSES", 1, low=1, high=64)
WEB_THREADS = _env.number("CHANCERY_WEB_THREADS", 4, low=1, high=128)
WORKER_THREADS = _env.number("CHANCERY_WORKER_THREADS", 4, low=1, high=64)
# --- database ---------------------------------------------------------------------------------------------------------

_database_url = _env.text("DATABASE_URL", f"sqlite:///{quote(str(STATE_DIR / 'chancery.sqlite3'))}")
try:
    _database = database_from_url(_database_url, connections=max(WEB_THREADS, WORKER_THREADS) + 2)
except ValueError as error:
    _env.complain("DATABASE_URL", str(error))
    _database = {"ENGINE": "django.db.backends.dummy"}
DATABASES = {"default": _database}
_on_postgresql = _database["ENGINE"] == "django.db.backends.postgresql"

# One machine with nothing installed: keys are made beside the database, and localhost is a good enough address.
EMBEDDED = _env.flag("CHANCERY_EMBEDDED", default=not _on_postgresql)
if EMBEDDED and _on_postgresql:
    _env.complain("CHANCERY_EMBEDDED", "is for SQLite: beside a database server nothing is made up.")

if DEBUG and _on_postgresql:
    _env.complain("CHANCERY_DEBUG", "shows settings and rows to whoever meets an error: not beside a database server.")

# --- addresses --------------------------------------------------------------------------------------------------------

BASE_URL = _env.origin("CHANCERY_BASE_URL", f"http://localhost:{SERVER_PORT}")
if not EMBEDDED and not _env.text("CHANCERY_BASE_URL"):
    _env.complain("CHANCERY_BASE_URL", "must be set: it stands in every certificate that is issued.")
_base = urlsplit(BASE_URL)
# What certificates say about CRLs and OCSP is fetched without TLS on purpose (RFC 5280 section 8).
PUBLIC_URL = _env.origin("CHANCERY_PUBLIC_URL", BASE_URL if _base.scheme == "http" else f"http://{_base.hostname}")
# How long caches may keep CRLs and OCSP answers, in seconds: a revocation is seen that much later behind them.
PUBLIC_MAX_AGE = _env.number("CHANCERY_PUBLIC_MAX_AGE", 60, low=0, high=86_400)
ALLOWED_HOSTS = _env.hosts("CHANCERY_ALLOWED_HOSTS", (_base.hostname or "localhost",))
if EMBEDDED:
    ALLOWED_HOSTS += ["localhost", "127.0.0.1", "[::1]"]
# Refuse to issue while the audit log is not being sealed, in place of only reporting it.
REQUIRE_SEALED_LOG = _env.flag("CHANCERY_REQUIRE_SEALED_LOG", default=False)
# --- keys -------------------------------------------------------------------------------------------------------------

_key_files = {"CHANCERY_MASTER_KEY": STATE_DIR / "master.key", "CHANCERY_SECRET_KEY": STATE_DIR / "secret.key"}
_keys = {name: _env.key(name) for name in _key_files}
for _name in _key_files:
    if not EMBEDDED and not _env.given(_name):
        _env.complain(_name, f"(or {_name}_FILE) must be set: 32 random bytes in base64 or hex.")

# The file that Chancery made for itself, and may replace; None where the key is given. And the one to rotate to.
MASTER_KEY_FILE = None if _env.given("CHANCERY_MASTER_KEY") else _key_files["CHANCERY_MASTER_KEY"]
NEW_MASTER_KEY = _env.key("CHANCERY_NEW_MASTER_KEY")

# --- a PKCS#11 token for CA keys --------------------------------------------------------------------------------------

PKCS11_MODULE = _env.text("CHANCERY_PKCS11_MODULE")
PKCS11_TOKEN = _env.text("CHANCERY_PKCS11_TOKEN")
PKCS11_PIN = Secret(_env.text("CHANCERY_PKCS11_PIN"))
if PKCS11_MODULE and not Path(PKCS11_MODULE).is_file():
    _env.complain("CHANCERY_PKCS11_MODULE", f"names {PKCS11_MODULE}, which is not there.")
if PKCS11_MODULE and not _on_postgresql:
    _env.complain("CHANCERY_PKCS11_MODULE", "needs PostgreSQL: what a token signs is announced beside a transaction.")
for _name, _value in (("CHANCERY_PKCS11_TOKEN", PKCS11_TOKEN), ("CHANCERY_PKCS11_PIN", PKCS11_PIN)):
    if bool(_value) != bool(PKCS11_MODULE):
        _env.complain(_name, "and CHANCERY_PKCS11_MODULE belong together: set both, or neither.")

# --- what FastPKI's clients get where they do not say it, by the names in its own documents --------------------------

_rsa_sizes = ("2048", "3072", "4096")
CERT_KEY_SIZE = int(_env.choice("CERT_KEY_SIZE", "2048", among=_rsa_sizes))
CERT_DAYS = _env.number("CERT_DAYS", 365, low=1, high=36_600)
CA_KEY_SIZE = int(_env.choice("CA_KEY_SIZE", "4096", among=_rsa_sizes))
CA_CERT_DAYS = _env.number("CA_CERT_DAYS", 3650, low=1, high=36_600)

# --- cache and queue --------------------------------------------------------------------------------------------------

REDIS_URL = _env.text("REDIS_URL")
if REDIS_URL and not REDIS_URL.startswith(("redis://", "rediss://")):
    _env.complain("REDIS_URL", "must begin with redis:// or rediss://.")
if WEB_PROCESSES > 1 and not REDIS_URL:
    _env.complain(
        "REDIS_URL", "must be set where CHANCERY_WEB_PROCESSES is above 1: their limits are counted together."
    )


def _memory(name: str, *, entries: int) -> dict[str, Any]:
    options = {"MAX_ENTRIES": entries}
    return {"BACKEND": "pkiproject.caches.MemoryCache", "LOCATION": name, "OPTIONS": options}


def _cache(name: str, *, entries: int) -> dict[str, Any]:
    if REDIS_URL:
        return {"BACKEND": "pkiproject.caches.KeptRedisCache", "LOCATION": REDIS_URL, "KEY_PREFIX": name}
    return _memory(name, entries=entries)


# A full memory forgets what was used least. Guesses at passwords and passphrases are counted in the first one: nobody
# may push them out by asking for public answers, nor by guessing as fast as this machine can say no.
CACHES: dict[str, dict[str, Any]] = {
    "default": _cache("chancery", entries=100_000),
    "public": _cache("chancery-public", entries=10_000),
    # What one process has read out of it, for a minute.
    "public-here": _memory("chancery-public-here", entries=10_000),
    "limits": _cache("chancery-limits", entries=100_000),
    # What web servers and workers tell each other. Without Redis they are on one machine.
    "shared": _cache("chancery-shared", entries=1_000)
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": STATE_DIR / "shared"},
}
if REDIS_URL:
    # Every request asks it, and goes on without it rather than wait.
    CACHES["limits"]["OPTIONS"] = {"socket_connect_timeout": 1, "socket_timeout": 1}

# How often in a minute: requests of one credential, and of them those that issue; of one address, requests without a
# credential that is good, requests for tokens, and forms of signing in (each with a count of its guesses beside it).
RATELIMIT_ENABLE = _env.flag("CHANCERY_RATE_LIMITS", default=True)
RATELIMIT_USE_CACHE = "limits"
RATE_LIMITS = {
    "general": _env.number("CHANCERY_LIMIT_GENERAL", 1_200, low=1, high=1_000_000),
    "issue": _env.number("CHANCERY_LIMIT_ISSUE", 300, low=1, high=1_000_000),
    "batch": _env.number("CHANCERY_LIMIT_BATCH", 10, low=1, high=1_000_000),
    "anonymous": _env.number("CHANCERY_LIMIT_ANONYMOUS", 120, low=1, high=1_000_000),
    "token": _env.number("CHANCERY_LIMIT_TOKEN", 120, low=1, high=1_000_000),
    "sign-in": _env.number("CHANCERY_LIMIT_SIGN_IN", 120, low=1, high=1_000_000),
    # As CertMate's document has them. What anybody may read is counted by address where there is no credential.
    "certmate-general": _env.number("CHANCERY_LIMIT_CERTMATE_GENERAL", 100, low=1, high=1_000_000),
    "certmate-create": _env.number("CHANCERY_LIMIT_CERTMATE_CREATE", 30, low=1, high=1_000_000),
    "certmate-batch": _env.number("CHANCERY_LIMIT_CERTMATE_BATCH", 10, low=1, high=1_000_000),
    "certmate-ocsp": _env.number("CHANCERY_LIMIT_CERTMATE_OCSP", 200, low=1, high=1_000_000),
    "certmate-crl": _env.number("CHANCERY_LIMIT_CERTMATE_CRL", 60, low=1, high=1_000_000),
}

_queue = STATE_DIR / "queue"
CELERY_BROKER_URL = REDIS_URL or "filesystem://localhost/"
CELERY_BROKER_TRANSPORT = None if REDIS_URL else "pkiproject.queues:Transport"
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {}
    if REDIS_URL
    else {
        "data_folder_in": str(_queue / "messages"),
        "data_folder_out": str(_queue / "messages"),
        "control_folder": str(_queue / "control"),
    }
)
CELERY_WORKER_CONCURRENCY = WORKER_THREADS
# --- who comes in -----------------------------------------------------------------------------------------------------

FIRST_ADMINISTRATOR = _env.text("CHANCERY_ADMIN_EMAIL", "admin@localhost")
# What organizations without a list of their own are licensed for.
LICENSED_FEATURES = _env.words("CHANCERY_LICENSED_FEATURES", tuple(Feature))
# Whom to ask for more; the first administrator where nobody is named.
LICENCE_CONTACT = _env.text("CHANCERY_LICENCE_CONTACT")
# Above all organizations, so no organization's rule is about them.
SUPERUSERS_NEED_SECOND_FACTOR = _env.flag("CHANCERY_SUPERUSERS_NEED_SECOND_FACTOR", default=False)
# --- mail -------------------------------------------------------------------------------------------------------------

EMAIL_HOST = _env.text("EMAIL_HOST")
EMAIL_PORT = _env.number("EMAIL_PORT", 587, low=1, high=65535)
EMAIL_HOST_USER = _env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = _env.text("EMAIL_HOST_PASSWORD")
_email_security = _env.choice("EMAIL_SECURITY", "starttls", among=("starttls", "tls", "none"))
EMAIL_USE_TLS, EMAIL_USE_SSL = _email_security == "starttls", _email_security == "tls"
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = _env.text("EMAIL_FROM", f"chancery@{_base.hostname}")
if EMAIL_HOST:
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
elif EMBEDDED:
    # To the terminal, for whoever tries it out there.
    EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
else:
    EMAIL_BACKEND = "accounts.mail.NoMailServer"

# --- the wire ---------------------------------------------------------------------------------------------------------

_https = _base.scheme == "https"
TRUSTED_PROXIES = _env.number("CHANCERY_TRUSTED_PROXIES", 0, low=0, high=9)
if _https and not TRUSTED_PROXIES:
    _env.complain(
        "CHANCERY_TRUSTED_PROXIES", "must be at least 1 with an https CHANCERY_BASE_URL: a proxy ends the TLS."
    )
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# The proxies that are believed about the certificates of clients, and what they send to be believed.
CLIENT_CERTIFICATE_PROXIES = _env.networks("CHANCERY_CLIENT_CERTIFICATE_PROXIES")
_proxy_secret = _env.text("CHANCERY_PROXY_SECRET")
PROXY_SECRET = Secret(_proxy_secret) if _proxy_secret else None
if bool(CLIENT_CERTIFICATE_PROXIES) != bool(PROXY_SECRET):
    _env.complain("CHANCERY_PROXY_SECRET", "and CHANCERY_CLIENT_CERTIFICATE_PROXIES belong together: set both.")
if _proxy_secret and len(_proxy_secret) < 32:
    _env.complain("CHANCERY_PROXY_SECRET", "must have at least 32 characters; `openssl rand -hex 32` makes one.")
SECURE_SSL_REDIRECT = _https
_hsts_seconds = _env.number("CHANCERY_HSTS_SECONDS", 31_536_000, low=0, high=63_072_000)
SECURE_HSTS_SECONDS = _hsts_seconds if _https else 0
SESSION_COOKIE_SECURE = _https
CSRF_COOKIE_SECURE = _https
CSRF_TRUSTED_ORIGINS = [BASE_URL]
# Whose pages may call the API.
CORS_ALLOWED_ORIGINS = _env.page_origins("CHANCERY_API_ORIGINS")
# --- DNS --------------------------------------------------------------------------------------------------------------

# Whom names are looked up at, for the ACME client; the system's resolvers where nothing is said.
DNS_RESOLVERS = _env.sockets("CHANCERY_DNS_RESOLVERS", port=53)
# Where challenges of tls-alpn-01 are answered (RFC 8737); 0: nowhere. The world asks for port 443.
TLS_ALPN_PORT = _env.number("CHANCERY_TLS_ALPN_PORT", 0, low=0, high=65535)

# --- metrics ----------------------------------------------------------------------------------------------------------

# Who may read them: whoever shows the token, and whoever asks from these addresses; nobody else.
_metrics_token = _env.text("CHANCERY_METRICS_TOKEN")
METRICS_TOKEN = Secret(_metrics_token) if _metrics_token else None
if _metrics_token and len(_metrics_token) < 32:
    _env.complain("CHANCERY_METRICS_TOKEN", "must have at least 32 characters; `openssl rand -hex 32` makes one.")
METRICS_ADDRESSES = _env.networks("CHANCERY_METRICS_ADDRESSES")
# CAs and templates by their names, in place of the numbers that say nothing to a stranger.
METRICS_NAMES = _env.flag("CHANCERY_METRICS_NAMES", default=False)

# --- log --------------------------------------------------------------------------------------------------------------

LOG_LEVEL = _env.choice("CHANCERY_LOG_LEVEL", "INFO", among=("DEBUG", "INFO", "WARNING", "ERROR"))
LOG_FORMAT = _env.choice("CHANCERY_LOG_FORMAT", "line", among=("line", "json"))
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"trace": {"()": "pkiproject.logs.TraceFilter"}},
    "formatters": {
        "line": {"()": "pkiproject.logs.LineFormatter"},
        "json": {"()": "pkiproject.logs.JsonFormatter"},
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "filters": ["trace"], "formatter": LOG_FORMAT},
    },
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.server": {"handlers": [], "propagate": True},
        # The web server has lines of its own until we are loaded.
        "_granian": {"handlers": [], "propagate": True},
        # A line for each sweep, every second, says nothing.
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.worker.request": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
        "kombu": {"level": "WARNING"},
    },
}

# Requests to the API, as JSON lines: `-` is stdout. A file that was moved away by a rotation is opened anew.
REQUEST_LOG = _env.text("CHANCERY_REQUEST_LOG")
REQUEST_LOG_FORMAT = _env.choice("CHANCERY_REQUEST_LOG_FORMAT", "plain", among=("plain", "certmate"))
if REQUEST_LOG:
    if REQUEST_LOG == "-":
        _handler: dict[str, Any] = {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}
    else:
        _request_log = Path(REQUEST_LOG).expanduser().absolute()
        if not _request_log.parent.is_dir():
            _env.complain("CHANCERY_REQUEST_LOG", f"names a file in {_request_log.parent}, which is not a folder.")
        _handler = {"class": "logging.handlers.WatchedFileHandler", "filename": str(_request_log), "delay": True}
    LOGGING["formatters"]["bare"] = {"format": "{message}", "style": "{"}
    LOGGING["handlers"]["requests"] = {**_handler, "formatter": "bare"}
    LOGGING["loggers"]["chancery.requests"] = {"handlers": ["requests"], "level": "INFO", "propagate": False}

# --- last: all of it made sense, or nothing starts; only then may a first start make its keys ------------------------

_env.close()
MASTER_KEY, _secret_key = (
    _keys[name] or key_beside_database(name, path, database=_database["NAME"]) for name, path in _key_files.items()
)
SECRET_KEY = _secret_key.reveal().hex()
