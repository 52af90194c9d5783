"""How far an organization has come: one question, and the first run goes on from the same answer."""

from __future__ import annotations

from dataclasses import astuple

import pytest

from accounts.roles import OrganizationRole
from cas.models import CertificateAuthority
from cas.services.authorities import disable_ca
from certificates.beginnings import Progress, progress
from certificates.services.issuance import issue_certificate
from kernel.permissions import Permission
from tests import cast
from tests.office import Office, open_office, order_for
from web.setup.standing import Part, Standing

pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> Office:
    return open_office()


def test_nothing_of_it_is_anybody_elses(office):
    assert progress(visible_to=cast.stranger().actor) == progress(visible_to=cast.SUPERUSER) == Progress()


def test_each_step_is_done_by_what_it_asks_for(office, django_assert_num_queries):
    assert astuple(progress(visible_to=office.owner)) == (True, True, True, False, False, False)
    issue_certificate(actor=office.owner, order=order_for(office.template))
    assert astuple(progress(visible_to=office.owner)) == (True, True, True, True, False, False)
    cast.member(office.organization, OrganizationRole.APPROVER)
    cast.robot(office.person, [Permission.CERTIFICATES_READ])
    with django_assert_num_queries(1):
        assert astuple(progress(visible_to=office.owner)) == (True,) * 6


def test_a_ca_out_of_service_and_what_stands_under_it_is_nothing_to_begin_with(office):
    disable_ca(actor=office.owner, ca=office.issuing)
    assert astuple(progress(visible_to=office.owner))[:3] == (True, False, False)
    assert Standing.of(office.owner).missing == [Part.ISSUING, Part.RULES, Part.CERTIFICATE]


def test_who_issues_by_a_template_is_not_sent_back_to_make_cas(office):
    """Its CA stands alone, or under a root whose key is elsewhere."""
    CertificateAuthority.objects.filter(pk=office.issuing.pk).update(parent=None)
    CertificateAuthority.objects.filter(pk=office.root.pk).update(status="retired")
    assert astuple(progress(visible_to=office.owner))[:3] == (True, True, True)
    assert Standing.of(office.owner).missing == [Part.CERTIFICATE]
