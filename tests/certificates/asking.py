"""An office whose certificates wait for approvers, and the people in it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from accounts.roles import OrganizationRole
from accounts.services.people import actor_for_user
from cas.core.csr import read_csr
from cas.services.roles import order_of as role_order
from cas.services.roles import update_role
from cas.services.templates import order_of, update_template
from certificates.models import Request
from certificates.orders import IssueOrder
from certificates.services.issuance import issue_certificate
from certificates.services.requests import approve_request
from certificates.services.submission import AwaitingApproval
from kernel.actor import Actor
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.secret import Secret
from tests import cast, pki
from tests.office import Office, open_office, order_for
from tests.remembered import remembered


@dataclass(frozen=True)
class Desk:
    """Somebody who asks, and two who may say yes."""

    office: Office
    asker: cast.Person
    approver: cast.Person
    second: cast.Person

    def order(self, **changes: object) -> IssueOrder:
        return replace(order_for(self.office.template), **changes)

    def order_by_csr(self, **changes: object) -> IssueOrder:
        csr = pki.make_csr(subject="CN=www.acme.test")
        return IssueOrder(template=self.office.template.code, key=read_csr(csr), **changes)

    def ask(self, order: IssueOrder | None = None, actor: Actor | None = None) -> Request:
        outcome = issue_certificate(actor=actor or self.asker.actor, order=order or self.order())
        assert isinstance(outcome, AwaitingApproval)
        return outcome.request

    def approve(self, request: Request, who: cast.Person | None = None) -> Request:
        return approve(request, (who or self.approver).actor)

    def approved(self, order: IssueOrder | None = None) -> Request:
        request = self.approve(self.ask(order))
        assert request.status == "approved"
        return request

    def change_template(self, **changes: object) -> None:
        template = self.office.template
        template.refresh_from_db()
        update_template(actor=self.office.owner, template=template, order=replace(order_of(template), **changes))

    def store_keys(self) -> None:
        """From now on the role keeps the keys that are made here."""
        role = self.office.role
        update_role(actor=self.office.owner, role=role, order=replace(role_order(role), store_private_keys=True))
        self.office.template.refresh_from_db()


@remembered
def open_desk(passphrase: Secret | None = None, **template_changes: object) -> Desk:
    office = open_office(passphrase=passphrase, **({"requires_approval": True} | template_changes))
    people = office.organization
    return Desk(
        office=office,
        asker=cast.member(people, OrganizationRole.MEMBER),
        approver=cast.member(people, OrganizationRole.APPROVER),
        second=cast.member(people, OrganizationRole.APPROVER, "second@acme.example"),
    )


def named(request: Request) -> Ref:
    return Ref("public_id", request.public_id)


def approve(request: Request, actor: Actor) -> Request:
    return approve_request(actor=actor, request=named(request), digest=request.digest)


def robot_of(person: cast.Person, *permissions: Permission) -> Actor:
    """A key of this person, which they made in person: somebody has let them do that, and what the key is to do."""
    allowed = {*person.actor.permissions, *permissions, Permission.API_KEYS_WRITE}
    return cast.robot(replace(person, actor=with_capability(person, *allowed)), permissions)


def robot_made_by(maker: Actor, person: cast.Person, *permissions: Permission) -> Actor:
    """A key of this person, which somebody else has made for them."""
    return cast.robot(replace(person, actor=maker), permissions)


def with_capability(person: cast.Person, *capabilities: str) -> Actor:
    """The person, allowed more than the role says."""
    person.user.memberships.update(capabilities=list(capabilities))
    return actor_for_user(person.user)
