"""The settings of the suite: those of production, and the few differences that tests need."""

import os
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

_state = Path(tempfile.gettempdir()) / f"chancery-tests-{os.getuid()}"
os.environ.setdefault("CHANCERY_STATE_DIR", str(_state))
os.environ.setdefault("CHANCERY_BASE_URL", "http://localhost:8000")
os.environ.setdefault("CHANCERY_MASTER_KEY", "5b8e4d3c2a1f0e9d8c7b6a594837261504f3e2d1c0bfae9d8c7b6a5948372615")
os.environ.setdefault("CHANCERY_SECRET_KEY", "15263748596a7b8c9daebfc0d1e2f304152637485a6b7c8d9e0f1a2b3c4d5e8f")

from pkiproject.settings import *  # noqa: E402, F403
from pkiproject.settings import CACHES, DATABASES, EMBEDDED, REDIS_URL  # noqa: E402

if not EMBEDDED:
    # A pool would keep connections to a database that the suite wants to drop.
    DATABASES["default"]["OPTIONS"].pop("pool", None)
    # Many processes connect at once to one that is there, however busy the machine is.
    DATABASES["default"]["OPTIONS"]["connect_timeout"] = 60
if not REDIS_URL:
    # Each process of the suite has its own.
    CACHES["shared"] = CACHES["default"] | {"LOCATION": "chancery-shared"}
if REDIS_URL:
    # A test may clear the cache: each of the processes that share the server has a database of its own in it.
    _worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    for _cache in CACHES.values():
        _cache["LOCATION"] = urlsplit(REDIS_URL)._replace(path=f"/{_worker}").geturl()
        if _cache["BACKEND"].endswith("RedisCache"):
            # It is there, however busy the machine is.
            _cache["OPTIONS"] = {"socket_connect_timeout": 60, "socket_timeout": 60}
# Tests ask more often than anybody; those of the limits switch them on.
RATELIMIT_ENABLE = False
CELERY_BROKER_URL = "memory://"
CELERY_BROKER_TRANSPORT = None
CELERY_BROKER_TRANSPORT_OPTIONS = {}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Static files as they are in the tree: nothing was collected.
WHITENOISE_AUTOREFRESH = True
WHITENOISE_USE_FINDERS = True
ALLOWED_HOSTS = ["testserver", "localhost"]
