"""What an ACME server says, read strictly (RFC 8555 section 7.1): nothing else of it goes further."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

_PREFIX: Final = "urn:ietf:params:acme:error:"
_LONGEST: Final = 500
_MOST: Final = 100
_LONGEST_PAUSE: Final = timedelta(days=1)
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{22,128}")
_ALTERNATE: Final = re.compile(r'<([^<>]{1,500})>\s*;\s*rel="?alternate"?')
# What may be different at the next attempt; every other refusal of the server is its last word.
_PASSING: Final = frozenset({"badNonce", "rateLimited", "serverInternal", "orderNotReady"})


class AcmeError(Exception):
    """The server said no, or nothing that can be used. `kind` is its type (RFC 8555 section 6.7) without the prefix.

    `is_final`: asking again would be answered in the same way.
    """

    def __init__(
        self, detail: str, *, kind: str = "", retry_after: timedelta | None = None, is_final: bool = False
    ) -> None:
        self.detail, self.kind, self.retry_after, self.is_final = detail, kind, retry_after, is_final
        super().__init__(_printable(f"{detail} ({kind})" if kind else detail))


class Lie(AcmeError):
    """The server said something that cannot be: nothing of it is kept."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail, kind="malformedAnswer", is_final=True)


@dataclass(frozen=True, slots=True)
class Directory:
    """Where what is asked; an address that is empty is not offered."""

    new_nonce: str
    new_account: str
    new_order: str
    revoke_certificate: str
    change_key: str
    renewal_info: str
    caa_names: tuple[str, ...]
    needs_binding: bool


@dataclass(frozen=True, slots=True)
class RemoteOrder:
    """An order as the server has it. `names` as in an order of ours: wildcards with their star."""

    url: str
    status: str
    names: frozenset[str]
    authorizations: tuple[str, ...]
    finalize_url: str
    certificate_url: str
    error: str
    retry_after: timedelta | None


@dataclass(frozen=True, slots=True)
class RemoteChallenge:
    type: str
    url: str
    token: str
    status: str
    error: str


@dataclass(frozen=True, slots=True)
class RemoteAuthorization:
    url: str
    status: str
    name: str
    is_wildcard: bool
    challenges: tuple[RemoteChallenge, ...]
    retry_after: timedelta | None


@dataclass(frozen=True, slots=True)
class RenewalInfo:
    """When the server would like a certificate to be renewed (RFC 9773 section 4.2)."""

    start: datetime
    end: datetime
    retry_after: timedelta | None


def directory(document: Mapping[str, Any]) -> Directory:
    """Raises Lie."""
    meta = document.get("meta") or {}
    if not isinstance(meta, dict):
        raise Lie("the directory has no usable meta data")
    return Directory(
        new_nonce=_text(document, "newNonce"),
        new_account=_text(document, "newAccount"),
        new_order=_text(document, "newOrder"),
        revoke_certificate=_text(document, "revokeCert"),
        change_key=_text(document, "keyChange", required=False),
        renewal_info=_text(document, "renewalInfo", required=False),
        caa_names=tuple(each.lower() for each in _list(meta, "caaIdentities", required=False) if isinstance(each, str)),
        needs_binding=meta.get("externalAccountRequired") is True,
    )


def order(document: Mapping[str, Any], url: str, retry_after: timedelta | None) -> RemoteOrder:
    """Raises Lie."""
    return RemoteOrder(
        url=url,
        status=_text(document, "status"),
        names=frozenset(_identifier(each) for each in _list(document, "identifiers")),
        authorizations=tuple(str(each) for each in _list(document, "authorizations")),
        finalize_url=_text(document, "finalize"),
        certificate_url=_text(document, "certificate", required=False),
        error=_error(document),
        retry_after=retry_after,
    )


def authorization(document: Mapping[str, Any], url: str, retry_after: timedelta | None) -> RemoteAuthorization:
    """Raises Lie."""
    return RemoteAuthorization(
        url=url,
        status=_text(document, "status"),
        name=_identifier(document.get("identifier")),
        is_wildcard=document.get("wildcard") is True,
        challenges=tuple(_challenge(each) for each in _list(document, "challenges")),
        retry_after=retry_after,
    )


def renewal_info(document: Mapping[str, Any], retry_after: timedelta | None) -> RenewalInfo:
    """Raises Lie."""
    window = document.get("suggestedWindow")
    if not isinstance(window, dict):
        raise Lie("the renewal information has no window")
    try:
        start, end = (datetime.fromisoformat(_text(window, side)) for side in ("start", "end"))
        if not start < end:
            raise Lie("the window of the renewal information ends before it begins")
    except (ValueError, TypeError) as error:
        raise Lie("the window of the renewal information cannot be read") from error
    if start.tzinfo is None or end.tzinfo is None:
        raise Lie("the window of the renewal information has no time zone")
    return RenewalInfo(start, end, retry_after)


def problem(document: Mapping[str, Any], status: int, retry_after: timedelta | None) -> AcmeError:
    """The refusal that a problem document (RFC 7807) tells of."""
    kind = _kind_of(document)
    is_final = 400 <= status < 500 and status not in (408, 429) and kind not in _PASSING
    return AcmeError(problem_text(document) or f"HTTP {status}", kind=kind, retry_after=retry_after, is_final=is_final)


def problem_text(document: object) -> str:
    """The sentence of a problem with those of its parts, each with the name that it is about; empty without one."""
    if not isinstance(document, dict):
        return ""
    parts = [str(document.get("detail") or document.get("title") or document.get("type") or "")]
    others = document.get("subproblems")
    for each in others[:_MOST] if isinstance(others, list) else ():
        if isinstance(each, dict):
            name = each.get("identifier")
            parts.append(f"{name.get('value') if isinstance(name, dict) else ''}: {each.get('detail') or ''}")
    return " · ".join(_printable(part) for part in parts if part)[:_LONGEST]


def pause(header: str, at: datetime) -> timedelta | None:
    """What `Retry-After` says (RFC 9110 section 10.2.3), at most a day; None where it says nothing that can be read."""
    if header.isascii() and header.isdigit():
        return min(timedelta(seconds=int(header[:9])), _LONGEST_PAUSE)
    try:
        wanted = parsedate_to_datetime(header) - at
    except (ValueError, TypeError):
        return None
    return max(timedelta(0), min(wanted, _LONGEST_PAUSE))


def alternates(header: str) -> list[str]:
    """The addresses of other chains, from a `Link` header (RFC 8555 section 7.4.2)."""
    return _ALTERNATE.findall(header)


def _challenge(document: object) -> RemoteChallenge:
    if not isinstance(document, dict):
        raise Lie("a challenge is no object")
    token = _text(document, "token", required=False)
    # It stands in an address and in DNS: nothing but what RFC 8555 section 8 lets it be.
    if token and not _TOKEN.fullmatch(token):
        raise Lie("the token of a challenge is none")
    return RemoteChallenge(
        type=_text(document, "type"),
        url=_text(document, "url", required=False),
        token=token,
        status=_text(document, "status", required=False),
        error=_error(document),
    )


def _error(document: Mapping[str, Any]) -> str:
    """What has gone wrong with an order or a challenge, as `AcmeError` would say it; empty where nothing has."""
    error = document.get("error")
    if not isinstance(error, dict):
        return ""
    kind = _kind_of(error)
    return f"{problem_text(error)} ({kind})" if kind else problem_text(error)


def _kind_of(document: Mapping[str, Any]) -> str:
    return _printable(str(document.get("type") or "").removeprefix(_PREFIX))[:60]


def _identifier(document: object) -> str:
    if not isinstance(document, dict) or document.get("type") not in ("dns", "ip"):
        raise Lie("an identifier is of no known type")
    return _text(document, "value").lower()


def _text(document: Mapping[str, Any], name: str, *, required: bool = True) -> str:
    value = document.get(name, "")
    if not isinstance(value, str) or len(value) > _LONGEST or (required and not value):
        raise Lie(f"{name} is missing, or no text")
    return value


def _list(document: Mapping[str, Any], name: str, *, required: bool = True) -> list[Any]:
    value = document.get(name, [])
    if not isinstance(value, list) or len(value) > _MOST or (required and not value):
        raise Lie(f"{name} is missing, or no list")
    return value


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text)
