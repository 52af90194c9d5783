"""Requests that were found good, remembered for a while: to draft and lint one takes longer than all else about it.

Each is remembered under a digest of all that the verdict rests on: the request, the rules, the chain and its addresses.
Whatever of it changes, nobody finds the old verdict again. What is not in the digest is asked each time: whether the CA
is in service, whether the key is forbidden. Time alone makes a good plan bad in one way: its end moves on with it, and
passes that of the chain; so long may it be remembered. Filing a request judges it, so those who decide find it judged.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Final, Protocol

from django.core.cache import cache

import cas.core
from audit.canonical import canonical_bytes
from cas.core.constraints import first_end
from cas.core.leaf import LeafPlan
from cas.selectors import forbidden_keys
from certificates.models import Request
from certificates.services.minting import Desk

log = logging.getLogger(__name__)

# From an afternoon to the morning of those who decide.
_LONGEST: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)


class Memory(Protocol):
    """What may be taken as judged already."""

    def known_good(self, desk: Desk, rows: Sequence[Request]) -> frozenset[int]:
        """Those of these requests, by their numbers, that would be issued at this desk now."""
        ...

    def keep_good(self, desk: Desk, plans: Mapping[Request, LeafPlan]) -> None:
        """These were rehearsed at this desk just now, and nothing stands against them."""
        ...


class _Nothing:
    def known_good(self, desk: Desk, rows: Sequence[Request]) -> frozenset[int]:
        return frozenset()

    def keep_good(self, desk: Desk, plans: Mapping[Request, LeafPlan]) -> None:
        pass


class _Recently:
    def known_good(self, desk: Desk, rows: Sequence[Request]) -> frozenset[int]:
        names = _names(desk, rows)
        try:
            known = [names[name] for name in cache.get_many(names)]
        except Exception:
            # Whatever client the cache has: without one, all are judged.
            log.warning("what was found good cannot be read from the cache", exc_info=True)
            return frozenset()
        hashes = {key for row in known if (key := _key_hash(row))}
        forbidden = forbidden_keys(hashes, organization_id=desk.template.organization_id)
        return frozenset(row.pk for row in known if _key_hash(row) not in forbidden)

    def keep_good(self, desk: Desk, plans: Mapping[Request, LeafPlan]) -> None:
        if not plans:
            return
        end = first_end(desk.chain.certificates)
        # Ends are whole seconds: the next one may be a second later than the time that has passed.
        lasting = min(_LONGEST, *(end - plan.not_after - _SECOND for plan in plans.values()))
        try:
            cache.set_many(dict.fromkeys(_names(desk, plans), True), timeout=lasting // _SECOND)
        except Exception:
            log.warning("what was found good was not kept", exc_info=True)


NOTHING: Final[Memory] = _Nothing()
RECENTLY: Final[Memory] = _Recently()


def _names(desk: Desk, rows: Iterable[Request]) -> dict[str, Request]:
    grounds = _program() + desk.grounds
    return {f"good-request:{sha256(grounds + _asked(row)).hexdigest()}": row for row in rows}


@lru_cache(maxsize=1)
def _program() -> bytes:
    """What stands for the rules that are code: they change with the program."""
    files = sorted(Path(cas.core.__path__[0]).rglob("*.py"))
    code = b"".join(sha256(file.read_bytes()).digest() for file in files)
    return sha256(code + version("pkilint").encode()).digest()


def _asked(row: Request) -> bytes:
    asked = {
        "request": row.public_id,
        "digest": row.digest,
        "facts": row.facts,
        "subject": row.subject,
        "sans": row.sans,
        "csr": bytes(row.csr).hex() if row.csr else None,
        "key_algorithm": row.key_algorithm,
        "replaces": row.replaces_id,
        "same_key": row.same_key,
        "validity": str(row.validity),
    }
    return canonical_bytes(asked)


def _key_hash(row: Request) -> str | None:
    """Of the key that is certified; None where it is still to be made."""
    if row.same_key and row.replaces:
        return row.replaces.key_hash
    key: str | None = row.facts.get("key")
    return key
