"""Requests that wait for somebody to say yes."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

from chancery_client import ChanceryClient, NotYetIssued
from chancery_client.cli.failures import ExitCode, Failure
from chancery_client.cli.output import note
from chancery_client.models import CertificateDetail, RequestDetail

_BETWEEN_LOOKS_SECONDS = 5.0
_OPEN = ("pending_approval", "approved")
_ENDS = {
    "rejected": "was rejected",
    "cancelled": "was cancelled",
    "expired": "was not approved in time",
    "failed": "was approved, but could not be fulfilled",
}


def await_certificate(
    client: ChanceryClient, request_id: str, *, patience: timedelta, sleep: Callable[[float], None] = time.sleep
) -> CertificateDetail:
    """The certificate that a request has led to; looked for until patience ends, at least once.

    Raises:
        Failure: it still waits, or there will be no certificate.
    """
    left = patience.total_seconds()
    while True:
        request = client.requests.get(request_id)
        if request.status == "fulfilled" and request.certificate_id:
            return client.certificates.get(request.certificate_id)
        if request.status not in _OPEN:
            raise _ended(request)
        if left <= 0:
            raise still_waiting(request)
        pause = min(_BETWEEN_LOOKS_SECONDS, left)
        sleep(pause)
        left -= pause


def request_of(filed: NotYetIssued) -> str:
    """The id of the request that was filed. Raises Failure: it is an order at a public CA."""
    if filed.order is not None:
        sentence = f"The order {filed.order.id} at the public CA is under way."
        raise Failure(sentence, hint="It is followed in Chancery, under Public certificates.", code=ExitCode.WAITING)
    note(f"Somebody has to approve this: request {filed.filed.id}.")
    return filed.filed.id


def still_waiting(request: RequestDetail) -> Failure:
    if request.status == "approved":
        return Failure(f"Request {request.id} is approved, and not yet fulfilled.", code=ExitCode.WAITING)
    counted = f"{request.approvals_given} of {request.approvals_needed}"
    return Failure(f"Request {request.id} waits for approval ({counted} given).", code=ExitCode.WAITING)


def _ended(request: RequestDetail) -> Failure:
    said = [each.reason for each in request.decisions if each.verdict == "rejected" and each.reason]
    why = (said[0] if said else request.last_error).rstrip(".")
    sentence = f"Request {request.id} {_ENDS.get(request.status, f'is {request.status}')}"
    return Failure(f"{sentence}: {why}." if why else f"{sentence}.")
