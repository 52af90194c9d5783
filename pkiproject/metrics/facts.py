"""How the office is, out of the database: by indexes and small tables, never by reading a register through."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db.models import Count, Exists, Min, OuterRef, QuerySet, Subquery
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from accounts import queue
from accounts.models import Invitation, Organization
from acme_client.models import AcmeAccount, AcmeOrder
from audit.document import SYSTEM_LOG
from audit.models import AuditCheck, AuditEvent
from audit.selectors import latest_check
from cas.models import CaCertificate, CertificateAuthority, Template
from certificates.models import Certificate, Crl, CrlScope, Placement, Renewal
from certificates.renewal_selectors import certificates_to_take_up
from certificates.request_selectors import due_requests
from certificates.selectors import crl_scopes_due, still_needed
from notices.models import Delivery, Rule
from pkiproject import life
from pkiproject.metrics.counting import Growth

Source = Callable[[datetime], Iterator[Metric]]


@dataclass(frozen=True, slots=True)
class _Queue:
    """Rows that wait for a worker, by the column that says since when."""

    due: Callable[[datetime], QuerySet[Any]]
    since: str = "due_at"

    @classmethod
    def of(cls, rows: QuerySet[Any]) -> _Queue:
        return cls(lambda at: queue.due(rows, at=at))


QUEUES: Final = {
    "crls": _Queue(lambda at: crl_scopes_due(at=at).filter(ca__passphrase_protected=False), "next_due_at"),
    "requests": _Queue(lambda at: due_requests(at=at)),
    "renewals": _Queue.of(Renewal.objects.all()),
    "renewals_to_begin": _Queue(lambda at: certificates_to_take_up(at=at), "renew_at"),
    "placements": _Queue.of(Placement.objects.all()),
    "acme_accounts": _Queue.of(AcmeAccount.objects.all()),
    "acme_orders": _Queue.of(AcmeOrder.objects.all()),
    "notice_rules": _Queue.of(Rule.objects.all()),
    "deliveries": _Queue.of(Delivery.objects.all()),
    "invitations": _Queue(lambda at: Invitation.objects.filter(mail_due_at__lte=at), "mail_due_at"),
}
_EVENTS: Final = Growth("events", AuditEvent.objects.all(), ("log", "name"), "at")
_ISSUED: Final = Growth(
    "certificates",
    Certificate.objects.all(),
    ("organization_id", "source", "ca_id", "template_id"),
    "created_at",
)


def events(at: datetime) -> Iterator[Metric]:
    """Everything that the audit log tells of: what was issued and revoked, what failed, who was refused."""
    family = CounterMetricFamily(
        "chancery_events", "Events of the audit log since counting began.", labels=["organization", "event"]
    )
    slugs = _slugs()
    for (log, name), number in sorted(_EVENTS.counts(at=at).items()):
        family.add_metric([slugs.get(log, ""), name], number)
    yield family


def issued(at: datetime) -> Iterator[Metric]:
    labels = ["organization", "source", "ca", "template"]
    family = CounterMetricFamily(
        "chancery_certificates", "Certificates that came into the register since counting began.", labels=labels
    )
    slugs, cas, templates = _slugs(), _called(CertificateAuthority, "name"), _called(Template, "code")
    for (organization, source, ca, template), number in _ISSUED.counts(at=at).items():
        family.add_metric([slugs.get(organization, ""), source, cas.get(ca, ""), templates.get(template, "")], number)
    yield family


def queues(at: datetime) -> Iterator[Metric]:
    due = GaugeMetricFamily("chancery_queue_due", "Rows that are due and wait for a worker.", labels=["queue"])
    oldest = GaugeMetricFamily(
        "chancery_queue_oldest_due_seconds", "For how long the oldest of them has been due.", labels=["queue"]
    )
    for name, waiting in QUEUES.items():
        found = waiting.due(at).order_by().aggregate(how_many=Count("pk"), oldest=Min(waiting.since))
        due.add_metric([name], found["how_many"])
        waited = (at - found["oldest"]).total_seconds() if found["oldest"] else 0.0
        oldest.add_metric([name], max(0.0, waited))
    yield due
    yield oldest


def crls(at: datetime) -> Iterator[Metric]:
    """Of each CA that still has to answer, the full CRL; one that was never published begins at 0."""
    labels = ["organization", "ca"]
    begun = GaugeMetricFamily("chancery_crl_this_update_timestamp_seconds", "When the CRL was signed.", labels=labels)
    ends = GaugeMetricFamily(
        "chancery_crl_next_update_timestamp_seconds", "When it is believed no more.", labels=labels
    )
    entries = GaugeMetricFamily("chancery_crl_entries", "How many certificates are on it.", labels=labels)
    newest = Crl.objects.filter(scope=OuterRef("pk")).order_by("-number")
    scopes = CrlScope.objects.filter(still_needed(at), scope=0, ca__passphrase_protected=False).annotate(
        **{name: Subquery(newest.values(name)[:1]) for name in ("this_update", "next_update", "entries")}
    )
    slugs, cas = _slugs(), _called(CertificateAuthority, "name")
    columns = ("organization_id", "ca_id", "this_update", "next_update", "entries")
    for organization, ca, this_update, next_update, how_many in scopes.values_list(*columns):
        where = [slugs.get(organization, ""), cas[ca]]
        begun.add_metric(where, _seconds(this_update))
        ends.add_metric(where, _seconds(next_update))
        entries.add_metric(where, how_many or 0)
    yield from (begun, ends, entries)


def authorities(at: datetime) -> Iterator[Metric]:
    family = GaugeMetricFamily(
        "chancery_ca_not_after_timestamp_seconds", "When an active CA ends.", labels=["organization", "ca"]
    )
    slugs, cas = _slugs(), _called(CertificateAuthority, "name")
    rows = CaCertificate.objects.filter(
        preferred=True, ca__status=CertificateAuthority.Status.ACTIVE, ca__key__isnull=False
    )
    for organization, ca, not_after in rows.values_list("organization_id", "ca_id", "not_after"):
        family.add_metric([slugs.get(organization, ""), cas[ca]], _seconds(not_after))
    yield family


def lapses(at: datetime) -> Iterator[Metric]:
    """The next certificate of each organization to end with nothing in its place."""
    family = GaugeMetricFamily(
        "chancery_next_lapse_timestamp_seconds",
        "When the next certificate ends that was not renewed.",
        labels=["organization"],
    )
    successors = Certificate.objects.filter(replaces=OuterRef("pk"))
    live = Certificate.objects.filter(
        ~Exists(successors), organization=OuterRef("pk"), not_after__gt=at, state=Certificate.State.ISSUED
    )
    first = live.order_by("not_after").values("not_after")[:1]
    rows = Organization.objects.annotate(lapse=Subquery(first)).filter(lapse__isnull=False)
    for slug, lapse in rows.order_by("pk").values_list("slug", "lapse"):
        family.add_metric([slug], _seconds(lapse))
    yield family


def sealing(at: datetime) -> Iterator[Metric]:
    found = AuditEvent.objects.filter(position=None).order_by().aggregate(how_many=Count("pk"), oldest=Min("at"))
    waited = (at - found["oldest"]).total_seconds() if found["oldest"] else 0.0
    yield GaugeMetricFamily("chancery_audit_unsealed_events", "Audit events that are not sealed.", found["how_many"])
    yield GaugeMetricFamily(
        "chancery_audit_oldest_unsealed_seconds", "For how long the oldest of them has not been.", max(0.0, waited)
    )


def soundness(at: datetime) -> Iterator[Metric]:
    """What the last verification of each log came to, where there was one."""
    family = GaugeMetricFamily(
        "chancery_audit_sound", "Whether the audit log was as it should be when last verified.", labels=["organization"]
    )
    newest = AuditCheck.objects.filter(log=OuterRef("pk")).order_by("-pk").values("findings")[:1]
    found = dict(
        Organization.objects.annotate(findings=Subquery(newest)).order_by("pk").values_list("slug", "findings")
    )
    system = latest_check(SYSTEM_LOG)
    for slug, findings in {"": system and system.findings, **found}.items():
        if findings is not None:
            family.add_metric([slug], not findings)
    yield family


def workers(at: datetime) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "chancery_worker_alive_timestamp_seconds",
        "When a worker last did what the clock asked for; 0 where none ever has.",
        _seconds(life.last_sign_of_life()),
    )


def _slugs() -> dict[int, str]:
    return dict(Organization.objects.order_by().values_list("pk", "slug"))


def _called(model: Any, name: str) -> dict[int, str]:
    """What rows are called where strangers may hear it."""
    column = name if settings.METRICS_NAMES else "public_id"
    return {pk: str(value) for pk, value in model.objects.order_by().values_list("pk", column)}


def _seconds(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0


# Walking past what was renewed in time takes longest, and nothing of it is in a hurry.
QUICK: Final[tuple[Source, ...]] = (events, issued, queues, crls, sealing, soundness, workers)
SLOW: Final[tuple[Source, ...]] = (authorities, lapses)
