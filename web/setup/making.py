"""Each part of the first run, made by the service that makes it everywhere else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

from django.db import transaction

from accounts.models import Organization
from cas.core.general_names import general_name
from cas.core.keys import KeyAlgorithm
from cas.core.names import name_from_mapping
from cas.orders import AuthorityOrder, RoleOrder, TemplateOrder
from cas.presets import TLS_SERVER
from cas.services.roles import create_role
from cas.services.templates import create_template
from certificates.orders import IssueOrder, Managed
from certificates.services.authorities import establish_authority
from certificates.services.issuance import issue_at_once
from kernel.actor import Actor
from kernel.ref import Ref
from web.setup.standing import Part, Standing
from web.setup.wishes import Wishes


def make_missing(actor: Actor, wishes: Wishes) -> Standing:
    """Every part that the actor's organization still lacks, each in its own transaction: what is made stays, whatever
    becomes of the next one. However many ask at once, there is one of each. Raises what the services raise.
    """
    for part in Standing.of(actor).missing:
        _make(part, actor, wishes)
    return Standing.of(actor)


@transaction.atomic
def _make(part: Part, actor: Actor, wishes: Wishes) -> None:
    # Others wait here, and then find it made.
    Organization.objects.select_for_update(no_key=True).get(pk=actor.organization_id or 0)
    standing = Standing.of(actor)
    if part in standing.missing:
        _MAKERS[part](actor, wishes, standing)


def _make_root(actor: Actor, wishes: Wishes, standing: Standing) -> None:
    order = AuthorityOrder(
        organization=_ref(standing.organization),
        name=wishes.root_name,
        subject=wishes.subject(wishes.root_name),
        key_algorithm=KeyAlgorithm(wishes.root_key),
        validity=wishes.root_lifetime,
    )
    establish_authority(actor=actor, order=order)


def _make_issuing(actor: Actor, wishes: Wishes, standing: Standing) -> None:
    order = AuthorityOrder(
        organization=_ref(standing.organization),
        parent=_ref(standing.root),
        name=wishes.issuing_name,
        subject=wishes.subject(wishes.issuing_name),
        key_algorithm=KeyAlgorithm(wishes.issuing_key),
        validity=wishes.issuing_lifetime,
        may_end_earlier=True,
        path_length=0,
    )
    establish_authority(actor=actor, order=order)


def _make_rules(actor: Actor, wishes: Wishes, standing: Standing) -> None:
    """Role and template together: neither is of use alone."""
    ca, validity = _ref(standing.issuing), timedelta(days=wishes.days)
    guards = dict(TLS_SERVER.role) | {
        "name": wishes.role,
        "max_ttl": max(validity, TLS_SERVER.role["max_ttl"]),
        "allowed_domains": wishes.domains,
        "allow_subdomains": wishes.allow_subdomains,
    }
    role = create_role(actor=actor, order=RoleOrder(ca=ca, **guards))
    recipe = dict(TLS_SERVER.template) | {
        "name": wishes.template,
        "code": wishes.template,
        "any_key_algorithm": True,
        "validity": validity,
    }
    create_template(actor=actor, order=TemplateOrder(ca=ca, role=_ref(role), **recipe))


def _make_certificate(actor: Actor, wishes: Wishes, standing: Standing) -> None:
    assert standing.template is not None  # noqa: S101
    order = IssueOrder(
        template=standing.template.code,
        ca=_ref(standing.issuing),
        subject=name_from_mapping({"common_name": wishes.common_name}),
        sans=(general_name(wishes.common_name),),
        key=Managed(collect_later=True),
    )
    issue_at_once(actor=actor, order=order)


def _ref(row: object) -> Ref:
    return Ref("pk", row.pk)  # type: ignore[attr-defined]


_MAKERS: Final[Mapping[Part, Callable[[Actor, Wishes, Standing], None]]] = {
    Part.ROOT: _make_root,
    Part.ISSUING: _make_issuing,
    Part.RULES: _make_rules,
    Part.CERTIFICATE: _make_certificate,
}
