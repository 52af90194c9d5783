"""`GET /metrics`, for those who may know: the text that Prometheus reads."""

from __future__ import annotations

import hmac
import logging
import os
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from accounts.address_ranges import read_address
from kernel.secret import Secret
from pkiproject.metrics import FOLDER_VARIABLE, facts
from pkiproject.metrics.requests import REGISTRY
from pkiproject.proxies import client_address

log = logging.getLogger(__name__)

_QUICK_SECONDS: Final = 10.0
_SLOW_SECONDS: Final = 300.0


class _Facts(Collector):
    """What some sources say, asked again at most every so many seconds, however many want to know."""

    def __init__(self, sources: Sequence[facts.Source], *, seconds: float) -> None:
        self._sources, self._seconds = sources, seconds
        self._lock = threading.Lock()
        self._known: list[Metric] = []
        self._until = 0.0

    def collect(self) -> Iterator[Metric]:
        """Raises DatabaseError."""
        with self._lock:
            if time.monotonic() >= self._until:
                at = timezone.now()
                self._known = [metric for source in self._sources for metric in _told(source, at)]
                self._until = time.monotonic() + self._seconds
            yield from self._known

    def forget(self) -> None:
        self._until = 0.0


class _Database(Collector):
    """Everything out of the database, and whether it answers: what a process counts is told in any case."""

    def collect(self) -> Iterable[Metric]:
        try:
            known = [metric for each in FACTS for metric in each.collect()]
        except DatabaseError as error:
            log.warning("the database does not answer: %s", error)
            known = []
        up = GaugeMetricFamily("chancery_database_up", "Whether the database answers.", bool(known))
        return [up, *known]


FACTS: Final = (
    _Facts(facts.QUICK, seconds=_QUICK_SECONDS),
    _Facts(facts.SLOW, seconds=_SLOW_SECONDS),
)


def metrics(request: HttpRequest) -> HttpResponse | None:
    """None for whoever may not know: to them there is nothing here."""
    if not is_trusted(request):
        return None
    registry = CollectorRegistry()
    registry.register(_Database())
    if os.environ.get(FOLDER_VARIABLE):
        MultiProcessCollector(registry)
    else:
        registry.register(REGISTRY)
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(registry), content_type=content_type)


def is_trusted(request: HttpRequest) -> bool:
    """Whether this is somebody whom the operator has named, by a token or by an address."""
    token: Secret | None = settings.METRICS_TOKEN
    scheme, _space, shown = request.headers.get("Authorization", "").partition(" ")
    if token is not None and scheme.lower() == "bearer":
        return hmac.compare_digest(shown.strip().encode(), token.reveal())
    address = read_address(_asked_from(request))
    return address is not None and any(address in network for network in settings.METRICS_ADDRESSES)


def _asked_from(request: HttpRequest) -> str:
    """Through proxies it is what the outermost of ours says; of others nobody knows whom they speak for."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR")
    if forwarded is None:
        return str(request.META.get("REMOTE_ADDR", ""))
    return client_address(forwarded, settings.TRUSTED_PROXIES) if settings.TRUSTED_PROXIES else ""


def _told(source: facts.Source, at: datetime) -> list[Metric]:
    try:
        return list(source(at))
    except RedisError:
        log.warning("the cache does not answer: %s are not counted", source.__name__)
        return []
