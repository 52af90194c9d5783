"""CAs that leave service and come back: what they, and those below them, may still do."""

from __future__ import annotations

import pytest

from accounts.roles import OrganizationRole
from cas.models import CertificateAuthority
from cas.services.authorities import disable_ca, enable_ca, retire_ca
from certificates.orders import RevokeAuthorityOrder
from certificates.services.revocation import Reason, revoke_authority
from kernel.actor import Actor
from kernel.errors import Conflict, Denied, NotFound, Unavailable
from kernel.ref import Ref
from tests import cast
from tests.office import Office, open_office
from tests.refusals import refused

pytestmark = pytest.mark.django_db

Status = CertificateAuthority.Status


@pytest.fixture
def office() -> Office:
    return open_office()


def revoke_ca(*, actor: Actor, ca: CertificateAuthority) -> CertificateAuthority:
    return revoke_authority(actor=actor, order=RevokeAuthorityOrder(ca=Ref("pk", ca.pk), reason=Reason.superseded))


CHANGES = {"disable": disable_ca, "enable": enable_ca, "retire": retire_ca, "revoke": revoke_ca}

# What each status allows, and where it leads.
MOVES = {
    (Status.ACTIVE, "disable"): Status.DISABLED,
    (Status.ACTIVE, "retire"): Status.RETIRED,
    (Status.ACTIVE, "revoke"): Status.REVOKED,
    (Status.DISABLED, "enable"): Status.ACTIVE,
    (Status.DISABLED, "retire"): Status.RETIRED,
    (Status.DISABLED, "revoke"): Status.REVOKED,
    (Status.RETIRED, "revoke"): Status.REVOKED,
}
SERVED = [status for status in Status if status != Status.PENDING]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("status", SERVED)
def test_every_change_from_every_status(office, status, change):
    CertificateAuthority.objects.filter(pk=office.issuing.pk).update(status=status)
    if (status, change) in MOVES:
        CHANGES[change](actor=office.owner, ca=office.issuing)
    else:
        with refused(Conflict):
            CHANGES[change](actor=office.owner, ca=office.issuing)
    office.issuing.refresh_from_db()
    assert office.issuing.status == MOVES.get((status, change), status)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_stranger_and_an_operator_change_no_status(office, change):
    operator = cast.member(office.organization, OrganizationRole.OPERATOR)
    with refused(Denied):
        change(actor=operator.actor, ca=office.issuing)
    with pytest.raises((Denied, NotFound)):
        change(actor=cast.stranger().actor, ca=office.issuing)
    office.issuing.refresh_from_db()
    assert office.issuing.status == Status.ACTIVE


# The status of the issuing CA and of its root, and whether it issues.
SERVICE = {
    "all is well": (Status.ACTIVE, Status.ACTIVE, True),
    "it is disabled": (Status.DISABLED, Status.ACTIVE, False),
    "it is retired": (Status.RETIRED, Status.ACTIVE, False),
    "it is revoked": (Status.REVOKED, Status.ACTIVE, False),
    "it is not complete yet": (Status.PENDING, Status.ACTIVE, False),
    "its root is disabled": (Status.ACTIVE, Status.DISABLED, False),
    "its root is revoked": (Status.ACTIVE, Status.REVOKED, False),
    "its root is retired": (Status.ACTIVE, Status.RETIRED, True),
}


@pytest.mark.parametrize(("own", "above", "issues"), SERVICE.values(), ids=SERVICE)
def test_who_issues(office, own, above, issues):
    CertificateAuthority.objects.filter(pk=office.issuing.pk).update(status=own)
    CertificateAuthority.objects.filter(pk=office.root.pk).update(status=above)
    if issues:
        office.issue()
    else:
        with refused(Unavailable, "ca-not-active"):
            office.issue()


def test_who_was_disabled_issues_again(office):
    disable_ca(actor=office.owner, ca=office.issuing)
    enable_ca(actor=office.owner, ca=office.issuing)
    office.issue()
