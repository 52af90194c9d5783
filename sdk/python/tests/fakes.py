"""A server that answers as it is told, and clients of both kinds that never really wait."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Mapping
from typing import Any, Callable, Optional, Union

import httpx

from chancery_client import AsyncChanceryClient, ChanceryClient, Retries

ADDRESS = "https://pki.example.com"
KEY = "pkf_0123456789abcdef0123456789abcdef"

Reply = Union[httpx.Response, Exception, Callable[[httpx.Request], httpx.Response]]


class Server:
    """Gives its replies one after the other, the last one for ever; and keeps what it was asked."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, Exception):
            raise reply
        if callable(reply):
            return reply(request)
        return httpx.Response(reply.status_code, headers=reply.headers, content=reply.content)

    @property
    def keys(self) -> list[Optional[str]]:
        return [request.headers.get("Idempotency-Key") for request in self.requests]

    def body(self, number: int = -1) -> Any:
        return json.loads(self.requests[number].content)


class Caller:
    """Makes clients of one kind, and waits for what they answer. `naps` are the seconds that they wished to wait."""

    def __init__(self, *, is_async: bool) -> None:
        self.is_async = is_async
        self.naps: list[float] = []
        self.loop = asyncio.new_event_loop() if is_async else None

    def client(self, server: Server, **options: Any) -> Any:
        options = {"base_url": ADDRESS, "retries": Retries(jitter=lambda longest: longest), **options}
        if not {"api_key", "oauth", "token"} & options.keys():
            options["api_key"] = KEY
        kind = AsyncChanceryClient if self.is_async else ChanceryClient
        client = kind(transport=httpx.MockTransport(server), **options)
        client._driver.sleep = self._sleep
        return client

    def run(self, call: Callable[[], Any]) -> Any:
        """What is called, awaited where it has to be; lists to their end."""
        return self.loop.run_until_complete(self._run(call)) if self.loop else _read(call())

    def close(self) -> None:
        if self.loop:
            # Iterators that were left early end in tasks of their own.
            self.loop.run_until_complete(asyncio.sleep(0))
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
            self.loop.close()

    async def _run(self, call: Callable[[], Any]) -> Any:
        found = call()
        if hasattr(found, "__aiter__"):
            return [each async for each in found]
        return await found if inspect.isawaitable(found) else found

    def _sleep(self, seconds: float) -> Any:
        self.naps.append(seconds)
        return asyncio.sleep(0) if self.is_async else None


def _read(found: Any) -> Any:
    is_plain = isinstance(found, (str, bytes, Mapping))
    return list(found) if hasattr(found, "__iter__") and not is_plain else found


def answer(document: Any, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=document, headers={"X-Trace-Id": "01J5TRACE", **headers})


def problem(status: int, code: str = "broken", **members: Any) -> httpx.Response:
    wait = members.pop("retry_after", None)
    document = {"type": f"{ADDRESS}/developers/errors/{code}", "title": "Not now", "status": status, **members}
    headers = {"Content-Type": "application/problem+json"}
    if wait is not None:
        headers["Retry-After"] = str(wait)
    return httpx.Response(status, json=document, headers=headers)


NAMES = {"common_name": "www.example.com"}
CERTIFICATE = {
    "id": "0198c0de-0000-7000-8000-000000000001",
    "serial": "3F:A1:B2:C3",
    "subject": NAMES,
    "sans": ["www.example.com"],
    "status": "issued",
    "not_before": "2026-01-15T08:00:00Z",
    "not_after": "2026-04-15T08:00:00Z",
    "pki": {"id": "ca-1", "name": "Issuing", "type": "internal"},
    "template": None,
}
DETAIL = {
    **CERTIFICATE,
    "organization_id": "org-1",
    "issuer": "CN=Issuing",
    "key_algorithm": "ECDSA_P256",
    "fingerprint": "ab",
    "key_custody": "returned",
    "requester": "api key",
    "replaces_id": None,
    "tags": [],
    "description": "",
    "created_at": "2026-01-15T08:00:00Z",
    "revocation": None,
    "certificate": "-----BEGIN CERTIFICATE-----",
    "owner": None,
    "replaced_by_ids": [],
}
PRIVATE_KEY = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\n-----END PRIVATE KEY-----\n"
ISSUED = {
    **{name: value for name, value in DETAIL.items() if name not in ("owner", "replaced_by_ids")},
    "chain": [],
    "private_key": PRIVATE_KEY,
    "delivery": None,
}
REQUEST = {
    "id": "request-1",
    "organization_id": "org-1",
    "kind": "issue",
    "status": "pending_approval",
    "subject": NAMES,
    "sans": [],
    "key_algorithm": "ECDSA_P256",
    "pki": None,
    "template": None,
    "requester": "somebody",
    "approvals_needed": 1,
    "approvals_given": 0,
    "created_at": "2026-01-15T08:00:00Z",
    "expires_at": "2026-01-22T08:00:00Z",
    "certificate_id": None,
}
