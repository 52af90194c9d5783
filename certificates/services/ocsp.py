"""OCSP answers (RFC 6960, 5019, 9654): the status from one indexed query, the bytes from the cache where they can be.

The cache key names the newest revocation and whether it is open, so that each change is seen at once, whatever happens
to workers and caches.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from struct import Struct
from typing import Final
from uuid import UUID

from cryptography import x509
from django.db import connection

from accounts import vault
from cas.core import ocsp
from cas.core.keys import load_private_key
from cas.core.ocsp import CertId, CertStatus, ResponseStatus, SingleAnswer
from cas.core.reasons import parse_reason
from cas.core.signing import Signer, SoftwareKey, sign_ocsp_response
from cas.models import IssuedSerial
from certificates import public_cache
from certificates.models import OcspResponder, Revocation
from certificates.services.responders import RESPONDER_TABLE
from kernel.seal import SealBroken

log = logging.getLogger(__name__)

# An answer is made anew for each period and is good for several, so that a slow clock or a short outage harms nobody.
_PERIOD: Final = timedelta(minutes=10)
_LIFETIME: Final = timedelta(hours=1)
# Nonces make every answer cost a signature, and anybody may ask: only so many are made at once, and the rest are told
# to come back later.
_LIVE_SIGNATURES: Final = threading.BoundedSemaphore(4)
_PATIENCE: Final = 0.25
# From when and until when an answer is good, in seconds since 1970.
_TIMES: Final = Struct(">dd")
_STANDING_SQL: Final = """
    SELECT
        (SELECT id FROM certificates_revocation
            WHERE ca_id = issued.ca_id AND serial = issued.serial AND lifted_at IS NULL ORDER BY id DESC LIMIT 1),
        (SELECT id FROM certificates_revocation
            WHERE ca_id = issued.ca_id AND serial = issued.serial ORDER BY id DESC LIMIT 1),
        (SELECT id FROM certificates_ocspresponder
            WHERE ca_id = issued.ca_id AND not_after > %s ORDER BY id DESC LIMIT 1)
    FROM cas_issuedserial issued WHERE ca_id = %s AND serial = %s AND NOT is_intent
"""


@dataclass(frozen=True, slots=True)
class OcspAnswer:
    """An OCSPResponse (DER). One that may be cached says from when and until when it is good."""

    body: bytes
    this_update: datetime | None = None
    next_update: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Standing:
    """What is known of a serial: the open revocation that makes it bad, the newest one, and the responder to say so.

    It never comes back to what it was before: a hold that is lifted stays the newest revocation.
    """

    revocation_id: int | None
    newest_id: int | None
    responder_id: int | None


def answer_ocsp(*, ca_id: int, issuer: x509.Certificate, request: bytes, now: datetime) -> OcspAnswer:
    """The answer of this CA to an OCSPRequest (DER). Whatever the bytes are, there is one; it is never an exception."""
    try:
        question = ocsp.read_request(request)
    except ocsp.OcspRefused as refusal:
        return OcspAnswer(ocsp.unsuccessful(refusal.status))
    if not all(ocsp.certid_matches(cert_id, issuer) for cert_id in question.cert_ids):
        return OcspAnswer(ocsp.unsuccessful(ResponseStatus.UNAUTHORIZED))
    if question.nonce is None and len(question.cert_ids) == 1:
        return _answer_from_cache(ca_id, question.cert_ids[0], now)
    return _answer_live(ca_id, question.cert_ids, question.nonce, now)


def _answer_from_cache(ca_id: int, cert_id: CertId, now: datetime) -> OcspAnswer:
    standing = _standing(ca_id, cert_id.serial, now)
    if standing is None:
        return _answer_live(ca_id, (cert_id,), None, now)
    name = (ca_id, cert_id.der.hex(), standing, int(_begin_of_period(now).timestamp()))
    key = "ocsp:" + sha256(repr(name).encode()).hexdigest()
    answer = public_cache.get(key, _unpacked)
    if answer is None:
        answer = _answer_live(ca_id, (cert_id,), None, now)
        # What changed between the question and the signature must not be kept under the name of what was before.
        if answer.next_update is not None and _standing(ca_id, cert_id.serial, now) == standing:
            public_cache.keep(key, _packed(answer), int(_PERIOD.total_seconds()))
    return answer


def _packed(answer: OcspAnswer) -> bytes:
    """As a cache keeps one that may be cached."""
    times = (answer.this_update, answer.next_update)
    return _TIMES.pack(*(each.timestamp() for each in times if each)) + answer.body


def _unpacked(kept: bytes) -> OcspAnswer:
    times = (datetime.fromtimestamp(each, UTC) for each in _TIMES.unpack_from(kept))
    return OcspAnswer(kept[_TIMES.size :], *times)


def _answer_live(ca_id: int, cert_ids: tuple[CertId, ...], nonce: bytes | None, now: datetime) -> OcspAnswer:
    responder = _newest_responder(ca_id, now)
    if responder is None or not _LIVE_SIGNATURES.acquire(timeout=_PATIENCE):
        return OcspAnswer(ocsp.unsuccessful(ResponseStatus.TRY_LATER))
    try:
        der = bytes(responder.der)
        try:
            signer = _signer(responder.public_id, responder.organization_id, bytes(responder.sealed_key), der)
        except SealBroken:
            log.exception("the key of the OCSP responder %s does not open", responder)
            return OcspAnswer(ocsp.unsuccessful(ResponseStatus.INTERNAL_ERROR))
        answers = [_single_answer(ca_id, cert_id, nonce, now) for cert_id in cert_ids]
        tbs = ocsp.response_to_be_signed(
            responder=x509.load_der_x509_certificate(der),
            produced_at=now,
            answers=answers,
            nonce=nonce,
        )
        body = sign_ocsp_response(tbs, signer)
    finally:
        _LIVE_SIGNATURES.release()
    only = answers[0] if len(answers) == 1 and nonce is None else None
    if only is None or isinstance(only.status, ocsp.Unknown):
        return OcspAnswer(body)
    return OcspAnswer(body, only.this_update, only.next_update)


def _single_answer(ca_id: int, cert_id: CertId, nonce: bytes | None, now: datetime) -> SingleAnswer:
    status, since = status_of(ca_id, cert_id.serial)
    begin = now.replace(microsecond=0) if nonce else _begin_of_period(now)
    if since is not None:
        # What is known since a revocation, or since a hold was lifted, was not known before; and an answer that looked
        # older than the last one would lose against it (RFC 5019 section 4).
        begin = max(begin, since.replace(microsecond=0))
    return SingleAnswer(cert_id=cert_id, status=status, this_update=begin, next_update=begin + _LIFETIME)


def status_of(ca_id: int, serial: int) -> tuple[CertStatus, datetime | None]:
    """The status of a serial, and since when it is so where that has changed."""
    text = f"{serial:x}"
    if not IssuedSerial.objects.filter(ca_id=ca_id, serial=text, is_intent=False).exists():
        return ocsp.Unknown(), None
    newest = Revocation.objects.filter(ca_id=ca_id, serial=text).order_by("-pk").first()
    if newest is None:
        return ocsp.Good(), None
    if newest.lifted_at is not None:
        return ocsp.Good(), newest.lifted_at
    return ocsp.Revoked(newest.at, parse_reason(newest.reason)), newest.at


def _standing(ca_id: int, serial: int, now: datetime) -> _Standing | None:
    """The one query of a cached answer. None: not a serial of this CA.

    The ORM would take longer to write it than the database does to answer.
    """
    with connection.cursor() as cursor:
        cursor.execute(_STANDING_SQL, [connection.ops.adapt_datetimefield_value(now), ca_id, f"{serial:x}"])
        row = cursor.fetchone()
    return _Standing(*row) if row else None


def _newest_responder(ca_id: int, now: datetime) -> OcspResponder | None:
    return OcspResponder.objects.filter(ca_id=ca_id, not_after__gt=now).order_by("-pk").first()


@lru_cache(maxsize=64)
def _signer(public_id: UUID, organization_id: int, sealed_key: bytes, der: bytes) -> Signer:
    """The responder's opened key. It is no CA key: it signs answers only, for a month, so a process may keep it."""
    secret = vault.open_secret(sealed_key, organization_id=organization_id, table=RESPONDER_TABLE, row=public_id)
    return Signer(x509.load_der_x509_certificate(der), SoftwareKey(load_private_key(secret, trusted=True)))


def _begin_of_period(now: datetime) -> datetime:
    seconds = int(now.timestamp()) // int(_PERIOD.total_seconds()) * int(_PERIOD.total_seconds())
    return datetime.fromtimestamp(seconds, UTC)
