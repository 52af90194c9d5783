"""Addresses of the lists behind the figures."""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import cache

from django.urls import reverse
from django.utils.http import urlencode


def list_link(name: str, **query: str) -> str:
    """A page by its name, asked for something."""
    return f"{_place(name)}?{urlencode(query)}" if query else _place(name)


@cache
def _place(name: str) -> str:
    return reverse(name)


def certificates_link(text: str = "", **query: str) -> str:
    """The certificates that a filter lets through."""
    return list_link("certificates", **({"q": text} if text else {}), **query)


def quoted(value: str) -> str:
    """A value as the language of filters takes it, whatever stands in it."""
    return re.sub(r"([^\w.@+-])", r"\\\1", value)


def days(field: str, first: date, last: date) -> str:
    """Terms of a filter: on one of these days. A day named in a comparison is not itself meant."""
    return f"{field}_gt:{first - timedelta(days=1)},{field}_lt:{last + timedelta(days=1)}"
