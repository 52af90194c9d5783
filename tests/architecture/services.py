"""Every service of the rooms below the edges, found by looking."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import accounts.services
import acme_client.services
import cas.services
import certificates.services
import notices.services

_PACKAGES = (
    accounts.services,
    cas.services,
    certificates.services,
    acme_client.services,
    notices.services,
)


def services() -> dict[str, Callable[..., Any]]:
    """By `room.name`: what edges call, in somebody's name. A step is handed its actor in passing, a service by name."""
    return {
        name: function
        for name, function in public_functions()
        if (actor := inspect.signature(function).parameters.get("actor")) and actor.kind is actor.KEYWORD_ONLY
    }


def opening_transactions() -> dict[str, Callable[..., Any]]:
    """What opens a transaction of its own and does not say of itself that it is a step."""
    return {
        name: function
        for name, function in public_functions()
        if inspect.getsource(function).startswith("@transaction.atomic")
        and not (function.__doc__ or "").startswith("A step")
    }


def public_functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    for module in modules():
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if not name.startswith("_") and function.__module__ == module.__name__:
                yield f"{module.__name__.partition('.')[0]}.{name}", function


def modules() -> Iterator[ModuleType]:
    for package in _PACKAGES:
        for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            yield importlib.import_module(found.name)
