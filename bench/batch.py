"""One call for many CSRs, in a process of its own: from the CSRs' text to the last commit.

python -m bench.batch TOKEN_FILE COUNT
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import django

django.setup()

from accounts.services.credentials import authenticate_token  # noqa: E402
from audit.models import AuditEvent  # noqa: E402
from bench.meters import forget_peak, peak_mb  # noqa: E402
from bench.signing import make_csr  # noqa: E402
from cas.core.csr import read_csr  # noqa: E402
from certificates.models import Certificate  # noqa: E402
from certificates.orders import BatchOrder, IssueOrder  # noqa: E402
from certificates.services.batches import RowOutcome, issue_batch  # noqa: E402
from kernel.actor import Actor  # noqa: E402
from kernel.secret import Secret  # noqa: E402


def issue(actor: Actor, template: str, csrs: list[str]) -> list[RowOutcome]:
    rows = tuple(IssueOrder(template=template, key=read_csr(csr)) for csr in csrs)
    order = BatchOrder(template=template, rows=rows)
    return issue_batch(actor=actor, order=order, report=lambda outcome: outcome)


def main(office_file: Path, count: int) -> None:
    office = json.loads(office_file.read_text())
    actor = authenticate_token(Secret(office["token"]), ip="127.0.0.1")
    csrs = [make_csr(f"batch-{number}.acme.test") for number in range(count)]
    # Imports, constraints and the draft's throwaway key are no part of the work.
    issue(actor, office["unlinted"], csrs[:1])
    before, begin = forget_peak(), time.perf_counter()
    outcomes = issue(actor, office["unlinted"], csrs)
    seconds = time.perf_counter() - begin
    rows = [outcome.issued.certificate for outcome in outcomes if outcome.issued]
    kept = Certificate.objects.filter(pk__gte=rows[0].pk, common_name__startswith="batch-").count()
    told = AuditEvent.objects.filter(event_id__gte=min(row.event for row in rows), name="certificate.issued").count()
    if not len(rows) == kept == told == count:
        raise RuntimeError(f"{count} rows, {len(rows)} certificates, {kept} in the register, {told} in the log")
    print(json.dumps({"per_second": count / seconds, "seconds": seconds, "growth_mb": peak_mb() - before}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
