"""What is answered to servers that look whether a name is ours. Anonymous: nobody's actor is asked for."""

from __future__ import annotations

from django.db.models import QuerySet

from acme_client.models import AcmeChallenge, AcmeOrder

_Status = AcmeChallenge.Status


def http_answer(host: str, token: str) -> str | None:
    """What this host, in lower case and without a port, answers about this token; None: nothing."""
    rows = _open(AcmeOrder.Challenge.HTTP).filter(host=host, token=token)
    return rows.order_by("-id").values_list("key_authorization", flat=True).first()


def tls_alpn_answer(host: str) -> str | None:
    """The key authorization that this host, in lower case, is asked for; None: nothing.

    Several orders may want the same name at once, and whoever asks does not say for which: the newest that was
    published is meant.
    """
    rows = _open(AcmeOrder.Challenge.TLS_ALPN).filter(host=host).exclude(status=_Status.PENDING)
    return rows.order_by("-id").values_list("key_authorization", flat=True).first()


def _open(kind: AcmeOrder.Challenge) -> QuerySet[AcmeChallenge]:
    """Those that a server may still look for: their order is open, and they are neither proven nor failed."""
    return AcmeChallenge.objects.filter(
        type=kind,
        status__in=(_Status.PENDING, _Status.PRESENTED, _Status.PROCESSING),
        authorization__order__status__in=AcmeOrder.OPEN,
    )
