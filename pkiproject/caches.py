"""The shared cache: with a client that is made once, and that asks a silent server only now and then.

Django makes a client for each call, which takes longer than Redis. And every request asks the cache several times: one
that hangs would cost each of them its whole patience, several times over.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from typing import Any, Final

from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as Unreachable
from redis.exceptions import TimeoutError as Silent
from redis.retry import Retry

# How long nobody asks after there was no answer.
PAUSE_SECONDS: Final = 5.0
_PATIENCE_SECONDS: Final = 1.0


class _Breaker:
    """Whether a server is asked. Of all threads of a process one tries after each pause; the others go on without."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._silent_until: float | None = None

    def require_answering(self) -> None:
        """Raises ConnectionError of redis."""
        with self._lock:
            if self._silent_until is None:
                return
            now = time.monotonic()
            if now < self._silent_until:
                raise Unreachable("the cache did not answer a moment ago")
            self._silent_until = now + PAUSE_SECONDS

    def note(self, *, answered: bool) -> None:
        with self._lock:
            self._silent_until = None if answered else time.monotonic() + PAUSE_SECONDS


# Threads have caches of their own; what one has found out of a server holds for all.
_breakers: Final[defaultdict[str, _Breaker]] = defaultdict(_Breaker)


class _Client(Redis):
    breaker: _Breaker

    def execute_command(self, *arguments: Any, **options: Any) -> Any:
        """Raises RedisError, at once where the server did not answer within the last seconds."""
        self.breaker.require_answering()
        try:
            answer = super().execute_command(*arguments, **options)
        except (Unreachable, Silent):
            self.breaker.note(answered=False)
            raise
        self.breaker.note(answered=True)
        return answer


class _KeptClient(RedisCacheClient):
    def __init__(self, servers: Any, **options: Any) -> None:
        patience = {"socket_connect_timeout": _PATIENCE_SECONDS, "socket_timeout": _PATIENCE_SECONDS}
        super().__init__(servers, **(patience | {"retry": Retry(NoBackoff(), 0)} | options))
        # It holds nothing of its own: each command takes a connection out of the pool and puts it back.
        pool = self._get_connection_pool(write=True)  # type: ignore[attr-defined]
        self._kept: Any = _Client(connection_pool=pool)
        self._kept.breaker = _breakers[str(servers)]

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        return self._kept


class KeptRedisCache(RedisCache):
    """For one server: reads and writes go to the same."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = _KeptClient
