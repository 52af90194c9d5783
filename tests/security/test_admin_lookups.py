"""The lists of the admin are not asked about secrets: nobody reads a hash out of them letter by letter."""

from __future__ import annotations

import pytest
from django.test import Client

from tests import cast

pytestmark = pytest.mark.django_db

SECRETS = {
    "the hash of a password": "/admin/accounts/user/?password__startswith=m",
    "that of somebody who is a member": "/admin/accounts/membership/?user__password__startswith=m",
    "that of the owner of a key": "/admin/accounts/apikey/?owner__password__startswith=m",
    "the hash of a token": "/admin/accounts/apikey/?digest__gt=0",
    "a wrapping key": "/admin/accounts/wrappingkey/?sealed__gt=0",
    "a secret of the server": "/admin/accounts/serversecret/?sealed__startswith=0",
    "a CA key": "/admin/cas/cakey/?sealed__gt=0",
    "the key of a responder": "/admin/certificates/ocspresponder/?sealed_key__gt=0",
    "a subscriber's key": "/admin/certificates/subscriberkey/?sealed__isnull=0",
    "the key of a CSR": "/admin/certificates/request/?sealed_key__isnull=0",
}


@pytest.fixture
def root() -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(cast.superuser())
    return client


@pytest.mark.parametrize("address", SECRETS.values(), ids=SECRETS)
def test_a_column_that_holds_a_secret_is_not_asked(root: Client, address: str):
    assert root.get(address.partition("?")[0]).status_code in (200, 404)
    assert root.get(address).status_code in (400, 404)


ORDINARY = (
    "/admin/accounts/user/?is_superuser__exact=1",
    "/admin/accounts/membership/?role__exact=owner",
    "/admin/accounts/membership/?organization__id__exact=1",
    "/admin/certificates/certificate/?ca__id__exact=1",
    "/admin/audit/auditevent/?resource_type=user&resource_id=1",
)


@pytest.mark.parametrize("address", ORDINARY)
def test_what_is_no_secret_is_answered(root: Client, address: str):
    assert root.get(address).status_code == 200
