"""DNS providers of an organization: what they are told, and whether they do it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import policy
from accounts.outbound import OutboundError, place
from accounts.quotas import require_room
from accounts.said import Said, cut
from accounts.selectors import get_organization
from acme_client.dns import catalogue, changing, credentials
from acme_client.dns.changing import Changer
from acme_client.dns.errors import DnsError
from acme_client.dns.resolving import txt_values
from acme_client.models import DnsProvider, PublicName
from acme_client.name_selectors import get_provider
from acme_client.orders import DnsProviderChange, DnsProviderOrder
from acme_client.public_names import longest_covering, normal_zone
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from kernel.actor import Actor
from kernel.errors import Conflict, FieldError, Invalid, Unavailable, field_error
from kernel.limits import text_errors
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.secret import Secret
from kernel.text import Text, _

LONGEST_PROPAGATION: Final = 3600
MOST_ZONES: Final = 100
_MOST_PROVIDERS: Final = 100
_LONGEST_NAME: Final = 80
_LONGEST_ERROR: Final = 1000
# Somebody waits for the answer.
_LONGEST_TEST: Final = 25.0
_TEST_INTERVAL: Final = 1.0


@transaction.atomic
def create_dns_provider(*, actor: Actor, order: DnsProviderOrder) -> DnsProvider:
    """It is asked for the records of challenges from now on; its credentials are sealed and never shown again.

    Raises NotFound, Denied, Invalid (fields of the configuration on `config.<field>`), Conflict (the name is taken;
    there are too many).
    """
    organization = get_organization(order.organization, visible_to=actor)
    policy.require(actor, Permission.ACME_WRITE, organization_id=organization.pk)
    kind = catalogue.get_kind(order.type)
    require_room(organization.pk, organization.dns_providers.all(), _MOST_PROVIDERS)
    row = DnsProvider(organization=organization, type=kind.name, event=audit.new_event_id())
    _fill(row, kind, order)
    _save(row)
    _record(actor, EventName.DNS_PROVIDER_CREATED, row, event_id=row.event, type=row.type)
    return row


@transaction.atomic
def update_dns_provider(*, actor: Actor, provider: Ref, change: DnsProviderChange) -> DnsProvider:
    """Of the configuration only what is named changes. Where credentials are sent to another address from now on, they
    are given anew: else whoever may change it could have them sent anywhere.

    Raises NotFound, Denied, Invalid, Conflict (the name is taken).
    """
    found = get_provider(provider, visible_to=actor)
    policy.require(actor, Permission.ACME_WRITE, organization_id=found.organization_id)
    row = DnsProvider.objects.select_for_update().select_related("organization").get(pk=found.pk)
    kind = catalogue.get_kind(row.type)
    given = dict(change.config or {})
    before = credentials.texts_of(row)
    _require_credentials_for_new_address(kind, before, given)
    whole = {name: value for name, value in (before | given).items() if value != ""}
    order = DnsProviderOrder(
        organization=Ref("pk", row.organization_id),
        name=row.name if change.name is None else change.name,
        type=row.type,
        config=whole,
        zones=tuple(row.zones) if change.zones is None else change.zones,
        propagation_seconds=_chosen(change.propagation_seconds, row.propagation_seconds),
    )
    _fill(row, kind, order)
    _save(row)
    secret = {field.name for field in kind.fields if field.is_secret}
    _record(actor, EventName.DNS_PROVIDER_UPDATED, row, secrets_changed=not secret.isdisjoint(given))
    return row


@transaction.atomic
def delete_dns_provider(*, actor: Actor, provider: Ref) -> None:
    """It is asked for nothing any more: records that still stand by it are taken away by hand.

    Raises NotFound, Denied.
    """
    row = get_provider(provider, visible_to=actor)
    policy.require(actor, Permission.ACME_WRITE, organization_id=row.organization_id)
    _record(actor, EventName.DNS_PROVIDER_DELETED, row)
    row.delete()


def test_dns_provider(*, actor: Actor, provider: Ref, zone: str = "") -> DnsProvider:  # noqa: PT028  no test
    """A TXT record with a random name is written below `zone`, seen at the authoritative servers, and taken away.

    `zone`: else the first of its own, else the organization's first proven name. `last_error` of the row says how it
    went; empty where it went well. Network, for up to a minute: never call it in a transaction.
    Raises NotFound, Denied, Invalid (on `zone`), Unavailable (too many ask at once).
    """
    row = get_provider(provider, visible_to=actor)
    policy.require(actor, Permission.ACME_WRITE, organization_id=row.organization_id)
    record = f"_chancery-test-{secrets.token_hex(8)}.{_test_zone(row, zone)}"
    try:
        with place(row.organization_id):
            problem = _try_out(row, record, secrets.token_urlsafe(32))
    except OutboundError as error:
        raise Unavailable(_("Too many servers are being asked at this moment: try again.")) from error
    return _keep_result(actor, row, problem)


def _fill(row: DnsProvider, kind: catalogue.Kind, order: DnsProviderOrder) -> None:
    """Raises Invalid with everything that is wrong."""
    errors = text_errors("name", order.name, longest=_LONGEST_NAME, required=True)
    errors += catalogue.config_errors(kind, order.config)
    zones, zone_errors = _zones(order.zones)
    errors += zone_errors
    if not 0 <= order.propagation_seconds <= LONGEST_PROPAGATION:
        text = _("At most %(longest)s seconds.")
        errors.append(field_error("propagation_seconds", "out-of-range", text, longest=LONGEST_PROPAGATION))
    if errors:
        raise Invalid(errors=errors)
    secret = {field.name for field in kind.fields if field.is_secret}
    given = {name: value.strip() for name, value in order.config.items() if value.strip()}
    row.name, row.zones, row.propagation_seconds = order.name.strip(), zones, order.propagation_seconds
    row.config = {name: value for name, value in given.items() if name not in secret}
    row.sealed_config = credentials.seal(row, {name: Secret(given[name]) for name in given if name in secret})


def _zones(texts: tuple[str, ...]) -> tuple[list[str], list[FieldError]]:
    if len(texts) > MOST_ZONES:
        return [], [field_error("zones", "too-many", _("At most %(most)s zones."), most=MOST_ZONES)]
    zones: list[str] = []
    errors: list[FieldError] = []
    for index, text in enumerate(texts):
        try:
            zones.append(normal_zone(text, field=f"zones[{index}]"))
        except Invalid as error:
            errors += error.errors
    return list(dict.fromkeys(zones)), errors


def _require_credentials_for_new_address(
    kind: catalogue.Kind, before: Mapping[str, str], given: Mapping[str, str]
) -> None:
    moved = [
        field.name
        for field in kind.fields
        if field.is_address and given.get(field.name, "") != before.get(field.name) and field.name in given
    ]
    if not moved:
        return
    text = _("It is reached elsewhere now: give the credentials anew.")
    errors = [
        field_error(f"config.{field.name}", "required", text)
        for field in kind.fields
        if field.is_secret and field.name in before and field.name not in given
    ]
    if errors:
        raise Invalid(errors=errors)


def _save(row: DnsProvider) -> None:
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise Conflict(_("There is a DNS provider of this name already."), code="dns-provider-exists") from error


def _test_zone(row: DnsProvider, zone: str) -> str:
    if zone:
        chosen = normal_zone(zone, field="zone")
        if row.zones and longest_covering(chosen, row.zones) is None:
            raise Invalid.of(
                "zone", "not-a-zone", _("It is asked for %(zones)s alone."), zones=", ".join(row.zones[:10])
            )
        return chosen
    if row.zones:
        return str(row.zones[0])
    names = PublicName.objects.filter(organization_id=row.organization_id, proven_at__isnull=False)
    first = names.order_by("id").values_list("suffix", flat=True).first()
    if first is None:
        raise Invalid.of("zone", "required", _("Say in which zone the record is to be written."))
    return normal_zone(first, field="zone")


def _try_out(row: DnsProvider, record: str, value: str) -> str:
    """What went wrong, in words; empty where nothing did. Taking away is tried whatever happened before."""
    try:
        changer = credentials.changer_of(row)
        changing.publish(changer, record, value)
    except DnsError as error:
        return Said(error.text)
    problem = _why_not_seen(changer, record, value, patience=min(row.propagation_seconds, _LONGEST_TEST))
    try:
        changing.withdraw(changer, record, value)
    except DnsError as error:
        return problem or Said(error.text)
    return problem


def _why_not_seen(changer: Changer, record: str, value: str, *, patience: float) -> str:
    deadline = time.monotonic() + patience
    while True:
        try:
            answers = txt_values(record, private_ranges=changer.private_ranges)
            without = sorted(server for server, values in answers.items() if value not in values)
            if not without:
                return ""
            text = _("%(server)s does not show the record after %(seconds)s seconds.")
            problem = Said(Text(text, {"server": without[0], "seconds": round(patience)}))
        except DnsError as error:
            problem = Said(error.text)
        if time.monotonic() >= deadline:
            return problem
        time.sleep(_TEST_INTERVAL)


@transaction.atomic
def _keep_result(actor: Actor, seen: DnsProvider, problem: str) -> DnsProvider:
    row = get_provider(Ref("pk", seen.pk), visible_to=actor)
    row.tested_at, row.last_error = timezone.now(), cut(problem, _LONGEST_ERROR)
    row.save(update_fields=["tested_at", "last_error"])
    _record(actor, EventName.DNS_PROVIDER_TESTED, row, succeeded=not problem)
    return row


def _chosen(new: int | None, old: int) -> int:
    return old if new is None else new


def _record(actor: Actor, event: EventName, row: DnsProvider, event_id: str | None = None, **facts: object) -> None:
    audit.record(
        actor,
        event,
        Resource("dns_provider", row.pk, row.name, public_id=row.public_id),
        organization_id=row.organization_id,
        event_id=event_id,
        **facts,
    )
