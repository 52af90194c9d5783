"""The shared cache, with a client that is made once: Django makes one for each call, which takes longer than Redis."""

from __future__ import annotations

from typing import Any

from django.core.cache.backends.redis import RedisCache, RedisCacheClient


class _KeptClient(RedisCacheClient):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # It holds nothing of its own: each command takes a connection out of the pool and puts it back.
        self._kept: Any = super().get_client(write=True)

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        return self._kept


class KeptRedisCache(RedisCache):
    """For one server: reads and writes go to the same."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = _KeptClient
