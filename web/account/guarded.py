"""How django-allauth reaches an organization's provider: by the one guarded way out, and by no other."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from accounts.outbound import Network, OutboundError, ask


def guarded_session(private_ranges: Collection[Network], *, organization_id: int) -> requests.Session:
    """A session that asks public addresses and these ranges for the organization; it takes nothing from the
    environment.
    """
    session = requests.Session()
    session.trust_env = False
    session.max_redirects = 0
    for scheme in ("https://", "http://"):
        session.mount(scheme, _Guarded(private_ranges, organization_id))
    return session


class _Guarded(BaseAdapter):
    def __init__(self, private_ranges: Collection[Network], organization_id: int) -> None:
        super().__init__()
        self._private_ranges = private_ranges
        self._organization_id = organization_id

    def send(self, request: requests.PreparedRequest, *_arguments: Any, **_options: Any) -> requests.Response:
        """Raises ConnectionError. What requests says of time, proxies and certificates is the guard's to decide."""
        body = request.body.encode() if isinstance(request.body, str) else request.body
        if not isinstance(body, bytes | None):
            raise requests.RequestException("only whole bodies are sent", request=request)
        try:
            answer = ask(
                str(request.url),
                method=str(request.method),
                headers={name: str(value) for name, value in request.headers.items()},
                body=body,
                private_ranges=self._private_ranges,
                organization_id=self._organization_id,
            )
        except OutboundError as error:
            raise requests.ConnectionError(str(error), request=request) from error
        response = requests.Response()
        response.status_code, response.url, response.request = answer.status, str(request.url), request
        response.headers, response._content = CaseInsensitiveDict(answer.headers), answer.content
        response._content_consumed = True  # type: ignore[attr-defined]
        return response

    def close(self) -> None:
        """Every request has a connection of its own, which is closed by then."""
