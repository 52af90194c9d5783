"""One CRL of everything that is revoked, in a process of its own: how long it takes, and how much memory beyond Django.

    python -m bench.crl floor|publish CA

The floor reads the entries as they were stored, joins them, hashes and signs. `publish` is the service, from its lease
to its commit.
"""

from __future__ import annotations

import json
import sys
import time
from hashlib import sha256

import django

django.setup()

from django.db import connection  # noqa: E402

from bench.meters import forget_peak, peak_mb  # noqa: E402
from bench.signing import sign  # noqa: E402
from certificates.models import Crl, CrlScope  # noqa: E402
from certificates.services.crl import publish_crl  # noqa: E402
from kernel.actor import SYSTEM  # noqa: E402

_ENTRIES = "SELECT entry_der FROM certificates_revocation WHERE ca_id = %s AND lifted_at IS NULL ORDER BY id"


def join(ca: int) -> None:
    with connection.chunked_cursor() as cursor:
        cursor.execute(_ENTRIES, [ca])
        body = b"".join(bytes(entry) for (entry,) in cursor)
    sign(body)
    sha256(body).digest()


def publish(ca: int) -> None:
    if publish_crl(actor=SYSTEM, scope=CrlScope.objects.get(ca_id=ca, scope=0)) is None:
        raise RuntimeError("somebody else publishes this CRL")


def main(work: str, ca: int) -> None:
    run = {"floor": join, "publish": publish}[work]
    # What is imported and connected on the first call is no part of the work: the root's CRL has no entries.
    run(CrlScope.objects.exclude(ca_id=ca).order_by("ca_id").values_list("ca_id", flat=True)[0])
    before, begin = forget_peak(), time.perf_counter()
    run(ca)
    print(json.dumps({"seconds": time.perf_counter() - begin, "growth_mb": peak_mb() - before, "peak_mb": peak_mb()}))
    # Forty megabytes for each round would fill the bench's folder.
    Crl.objects.filter(scope__ca_id=ca).delete()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
