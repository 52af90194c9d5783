"""A client that speaks as programs do: JSON, a key in the header, no cookies."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from django.test import Client

from kernel.permissions import Permission
from tests import cast


@dataclass
class Wire:
    """Requests under one credential; without a token, under none."""

    token: str | None = None
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        if self.token is not None:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        content_type = headers.pop("Content_Type", "application/json" if data else "")
        extra = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()}
        return self.client.generic(method, path, data, content_type=content_type, **extra)

    def get(self, path: str, **headers: str) -> Any:
        return self.send("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.send("POST", path, body, **headers)

    def patch(self, path: str, body: Any) -> Any:
        return self.send("PATCH", path, body)

    def delete(self, path: str) -> Any:
        return self.send("DELETE", path)


def wire_of(person: cast.Person, *permissions: Permission) -> Wire:
    """A key of this person: with all that they may do, or with the permissions given."""
    _row, token = cast.api_key(person, permissions or None)
    return Wire(token)


def wrong_fields(response: Any) -> dict[str, str]:
    """Field -> the first code about it, of a validation problem."""
    assert response.status_code in (400, 422), response.content
    return {error["field"]: error["code"] for error in reversed(response.json()["errors"])}
