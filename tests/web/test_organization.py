"""The organization's settings, and why somebody may or may not."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client

from accounts.grants import GrantOrder
from accounts.models import ApiKey, Organization
from accounts.services.api_keys import create_api_key, revoke_api_key
from accounts.services.custom_roles import create_custom_role
from accounts.services.service_accounts import create_service_account, disable_service_account
from cas.services.authorities import disable_ca
from kernel.permissions import Permission
from tests import cast
from tests.office import Office, open_office
from tests.web.people import browser_of

SETTINGS, WHY = "/organization/settings/", "/organization/why/"
ISSUE = Permission.CERTIFICATES_ISSUE


@pytest.fixture
def office(db) -> Office:
    cache.clear()
    return open_office()


@pytest.fixture
def owner(office) -> Client:
    return browser_of(office.person.user)


class TestSettings:
    def test_a_name_is_changed_and_what_is_wrong_is_said(self, office, owner):
        answer = owner.post(SETTINGS, {"name": "ACME Works", "description": "Anvils"})
        assert answer["Location"] == SETTINGS
        row = Organization.objects.get(pk=office.organization.pk)
        assert (row.name, row.description, row.slug) == ("ACME Works", "Anvils", office.organization.slug)
        open_office("Umbrella")
        assert owner.post(SETTINGS, {"name": "Umbrella"}).status_code == 422
        assert owner.post(SETTINGS, {"name": ""}).context["form"].errors["name"]

    def test_who_may_only_read_changes_nothing(self, office):
        client = browser_of(cast.member(office.organization, "member").user)
        page = client.get(SETTINGS).content.decode()
        assert "ACME" in page
        assert 'name="description"' not in page
        assert client.post(SETTINGS, {"name": "Mine"}).status_code == 403


class TestWhy:
    def ask(self, client: Client, row: object, permission: Permission = ISSUE, ca: object = None) -> tuple[bool, str]:
        """Yes or no, and everything that is said."""
        query = {
            "subject": f"{type(row).__name__.lower()}:{row.public_id}",
            "permission": permission.value,
            "ca": str(ca.public_id) if ca else "",
        }
        answer = client.get(WHY, query)
        assert answer.status_code == 200, answer.context["form"].errors
        said = answer.context["answer"]
        page = answer.content.decode()
        assert ("Yes, allowed." in page) == said.is_allowed
        return said.is_allowed, " ".join([*said.reasons, *said.hurdles])

    def member(self, office: Office, role: str):
        person = cast.member(office.organization, role)
        return office.organization.memberships.get(user=person.user)

    def key(self, office: Office, **rights: object) -> ApiKey:
        facts = {"actor": office.owner, "organization": office.organization, "owner": office.person.user, "name": "k"}
        return create_api_key(**facts, **rights).row

    def test_cas_are_named_to_whoever_may_read_them(self, office, owner):
        order = {"actor": office.owner, "organization": office.organization}
        create_custom_role(**order, name="People", permissions=[Permission.MEMBERS_READ])
        people = browser_of(cast.member(office.organization, "people").user)
        assert office.issuing.name in owner.get(WHY).content.decode()
        assert office.issuing.name not in people.get(WHY).content.decode()
        query = {"subject": "membership:", "permission": ISSUE.value, "ca": str(office.issuing.public_id)}
        assert "ca" in people.get(WHY, query).context["form"].errors

    def test_members_by_their_roles(self, office, owner):
        allowed, said = self.ask(owner, self.member(office, "operator"), ca=office.issuing)
        assert allowed
        assert "Operator" in said
        allowed, said = self.ask(owner, self.member(office, "auditor"), ca=office.issuing)
        assert not allowed
        assert "The role Auditor does not have this permission." in said
        assert "Owner, Operator, Member" in said

    def test_a_key_of_single_cas(self, office, owner):
        key = self.key(office, permissions=(), grants=[GrantOrder(office.issuing.pk, True, True, True)])
        assert self.ask(owner, key, ca=office.issuing)[0]
        allowed, said = self.ask(owner, key, ca=office.root)
        assert not allowed
        assert f"does not have this right at {office.root.name}" in said
        assert "not about one of them" in self.ask(owner, key)[1]

    def test_a_key_that_was_not_given_it_and_one_that_has_ended(self, office, owner):
        key = self.key(office, permissions=[Permission.CERTIFICATES_READ])
        assert "has not been given this" in self.ask(owner, key)[1]
        revoke_api_key(actor=office.owner, key=key)
        query = {"subject": f"apikey:{key.public_id}", "permission": ISSUE.value}
        assert owner.get(WHY, query).status_code == 422

    def test_a_service_account_that_is_disabled_or_lacks_its_policy(self, office, owner):
        account = create_service_account(
            actor=office.owner,
            organization=office.organization,
            owner=office.person.user,
            name="gateway",
            permissions=[ISSUE],
            needs_policy=True,
        )
        allowed, said = self.ask(owner, account, ca=office.issuing)
        assert allowed
        assert "no issuance policy" in said
        disable_service_account(actor=office.owner, account=account)
        allowed, said = self.ask(owner, account)
        assert not allowed
        assert "disabled" in said

    def test_what_is_in_the_way_besides_permissions(self, office, owner):
        disable_ca(actor=office.owner, ca=office.issuing)
        allowed, said = self.ask(owner, self.member(office, "operator"), ca=office.issuing)
        assert allowed
        assert "cannot issue" in said

    def test_others_are_nobody_here(self, office):
        stranger = browser_of(open_office("Umbrella").person.user)
        query = {"subject": f"membership:{office.organization.memberships.get().public_id}", "permission": ISSUE.value}
        answer = stranger.get(WHY, query | {"ca": str(office.issuing.public_id)})
        assert answer.status_code == 422
        assert set(answer.context["form"].errors) == {"subject", "ca"}
        assert "ACME" not in answer.content.decode()
