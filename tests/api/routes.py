"""Every operation of the native API, read from the URL configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from api.native.routes import V1, V2
from kernel.permissions import Permission

# By the converter of the address: what is well-formed, and is nowhere.
NOWHERE = {
    "number": "999999999",
    "public_id": "00000000-0000-4000-8000-000000000000",
    "event_id": "7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
    "tree_size": "999999999",
    "serial": "7f:ff:ff:ff:ff",
}
# What may follow in an address with two: the fingerprint of a certificate that no CA has.
FURTHER = "0" * 64


@dataclass(frozen=True)
class Route:
    """One method of one address."""

    version: str
    method: str
    template: str
    view: Any
    action: str
    nowhere: str = ""

    @property
    def is_for_everyone(self) -> bool:
        """Whoever has a credential at all."""
        return self.action in self.view.needs_no_permission

    @property
    def permission(self) -> Permission:
        return self.view.permissions[self.action]

    @property
    def permissions_for_own(self) -> frozenset[Permission]:
        return self.view.permissions_for_own.get(self.action, frozenset())

    @property
    def is_item(self) -> bool:
        return "{}" in self.template

    @property
    def is_by_serial(self) -> bool:
        """Then almost everything is an address."""
        return self.nowhere == NOWHERE["serial"]

    @property
    def has_body(self) -> bool:
        return self.method in ("POST", "PATCH")

    def path(self, key: object = None) -> str:
        return self.template.replace("{}", str(self.nowhere if key is None else key), 1).replace("{}", FURTHER)

    def __str__(self) -> str:
        return f"{self.method} {self.template.replace('{}', '{id}')}"


def routes() -> Iterator[Route]:
    for version, patterns in (("v1", V1), ("v2", V2)):
        for pattern in patterns:
            template = re.sub("<[^>]+>", "{}", f"/api/{version}/{pattern.pattern}")
            keyed_by = re.search(r"<(\w+):", str(pattern.pattern))
            nowhere = NOWHERE[keyed_by[1]] if keyed_by else ""
            for method, action in pattern.callback.actions.items():
                if method != "head":
                    yield Route(version, method.upper(), template, pattern.callback.cls, action, nowhere)


ROUTES = list(routes())
