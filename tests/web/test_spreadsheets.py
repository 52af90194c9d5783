"""Every list as CSV: what the list shows, for whom it shows it, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import CharField, Model, UUIDField
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import (
    ApiKey,
    CustomRole,
    MachineIdentity,
    Membership,
    OAuthClient,
    OAuthConsent,
    ServiceAccount,
)
from accounts.roles import OrganizationRole
from acme_client.models import AcmeAccount, AcmeOrder, DnsProvider, PublicName
from cas.models import CertificateAuthority, Role, Template, TrustAnchor
from certificates.models import Certificate, ClientCertificateBinding, Request
from notices.models import Channel, Delivery, Mute, Notice, Rule
from tests import cast
from tests.security.whole import Whole, speaks_of_acme, unchanged, whole_organization
from tests.web.people import browser_of
from web.spreadsheets import Sheet

pytestmark = pytest.mark.django_db

# By what rows are told apart.
CALLED = frozenset({"name", "slug", "code", "suffix", "subject_hash", "fingerprint", "recipient"})
SECRETS = ("acme-secret-path", "acme-cloudflare-token", "acme-token-of-the-server", "hooks.acme.example/")


@dataclass(frozen=True)
class List:
    """A list, some questions that its address may ask, and its titles; `part` where its page has several lists."""

    address: str
    model: type[Model]
    titles: str
    asked: tuple[str, ...] = ()
    part: str = ""
    name: str = "id"

    def csv(self, asked: str = "") -> str:
        parts = (asked, "format=csv", f"list={self.part}" if self.part else "")
        return f"{self.address}?{'&'.join(filter(None, parts))}"


ACME = "id,name,status,provider,environment,email,created_at,last_error"
LISTS = {
    "requests": List(
        "/requests/",
        Request,
        "id,name,kind,names,template,requested_by,created_at,status,approvals_given,approvals_needed,expires_at",
        ("show=inbox", "show=all", "show=all&status=pending", "show=all&status=failed", "show=own"),
    ),
    "authorities": List(
        "/authorities/",
        CertificateAuthority,
        "id,name,kind,parent,status,in_force,crl_signed_at,crl_lapses_at,path_length,key_algorithm,not_after",
        ("kind=root", "q=second", "status=retired", "after=1"),
    ),
    "templates": List(
        "/templates/",
        Template,
        "id,code,name,description,lets_through,authority,role,version,status",
        ("q=guarded", "ca=acme-second-root", "status=retired"),
    ),
    "roles": List(
        "/roles/", Role, "id,name,description,lets_through,authority,templates,version,status", ("q=second", "q=none")
    ),
    "trust anchors": List(
        "/trust/", TrustAnchor, "id,name,subject,status,key_algorithm,fingerprint,not_after", ("q=none", "q=a")
    ),
    "orders": List(
        "/acme/", AcmeOrder, "id,names,status,account,challenge,created_at,last_error", ("status=pending", "account=x")
    ),
    "ACME accounts": List("/acme/accounts/", AcmeAccount, ACME),
    "public names": List(
        "/acme/names/", PublicName, "id,name,proven_at,proven_by,checked_at,last_error", ("q=shop", "q=none")
    ),
    "DNS providers": List("/acme/dns-providers/", DnsProvider, "id,name,kind,zones,tested_at,last_error"),
    "notices": List(
        "/notifications/", Notice, "id,about,level,notice,rule,created_at,closed_at", ("status=closed", "after=0")
    ),
    "rules": List("/notifications/rules/", Rule, "id,name,what_it_does,status"),
    "channels": List("/notifications/channels/", Channel, "id,name,kind,to,status,last_error"),
    "deliveries": List(
        "/notifications/deliveries/",
        Delivery,
        "id,event,to,status,attempts,last_status,last_error,created_at",
        ("status=dead", "status=waiting"),
    ),
    "muted": List("/notifications/muted/", Mute, "id,kind,object,name,muted_by,created_at"),
    "API keys": List(
        "/account/api-keys/", ApiKey, "id,name,prefix,status,rights,owner,expires_at,last_used_at,last_used_ip"
    ),
    "service accounts": List(
        "/organization/service-accounts/", ServiceAccount, "id,name,description,status,rights,has_policy,owner"
    ),
    "members": List(
        "/organization/members/",
        Membership,
        "id,name,email,role,capabilities,is_active,last_login,created_at",
        ("page=2",),
    ),
    "roles of the organization": List("/organization/roles/", CustomRole, "id,slug,name,permissions,held_by"),
    "applications": List(
        "/organization/applications/", OAuthClient, "client_id,name,redirect_uris,revoked_at", name="client_id"
    ),
    "consents": List(
        "/organization/applications/",
        OAuthConsent,
        "id,application,is_verified,person,scopes,rights,created_at,last_used_at,last_used_ip",
        part="consents",
    ),
    "subjects": List("/organization/machines/", MachineIdentity, "id,service_account,subject,issuer", part="subjects"),
    "client certificates": List(
        "/organization/machines/",
        ClientCertificateBinding,
        "id,service_account,certificate,fingerprint,follows_renewal",
        part="certificates",
    ),
}


@pytest.fixture
def whole() -> Whole:
    return whole_organization()


@pytest.fixture
def owner(whole: Whole) -> Client:
    return browser_of(whole.office.person.user)


@pytest.fixture(params=LISTS.values(), ids=list(LISTS))
def each(request: pytest.FixtureRequest) -> List:
    return request.param


def text_of(answer: Any) -> str:
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    return answer.getvalue().decode()


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text, newline="")))


def shown(page: str, each: List) -> set[str]:
    """Which rows a page of the list names."""
    column = "client_id" if each.name == "client_id" else "public_id"
    known = {str(value) for value in each.model._default_manager.values_list(column, flat=True)}
    return {name for name in known if name in page}


def test_it_has_what_the_list_shows_under_each_of_its_questions(owner: Client, each: List, subtests):
    for asked in ("", *each.asked):
        with subtests.test(asked):
            text = text_of(owner.get(each.csv(asked)))
            assert text.splitlines()[0] == each.titles
            without_place = re.sub(r"\b(after|page)=\d+", "", asked)
            page = owner.get(f"{each.address}?{without_place}").content.decode()
            ids = [row[each.name] for row in rows_of(text)]
            assert len(set(ids)) == len(ids)
            assert set(ids) == shown(page, each)
            if ids:
                assert [page.index(one) for one in ids] == sorted(page.index(one) for one in ids)
    assert rows_of(text_of(owner.get(each.csv())))


def test_the_page_leads_to_it_and_keeps_what_is_asked(owner: Client, each: List, subtests):
    for asked in ("", *(one for one in each.asked if not re.match("after|page", one))):
        with subtests.test(asked):
            page = owner.get(f"{each.address}?{asked}&after=0&page=1").content.decode()
            address = each.csv(asked)[len(each.address) :].replace("&", "&amp;")
            assert (f'href="{address}"' in page) is bool(shown(page, each))


def test_it_has_no_secrets_and_asking_for_it_changes_nothing(whole: Whole, owner: Client, each: List):
    with unchanged(log=whole.log):
        told = text_of(owner.get(each.csv()))
    assert not any(secret in told for secret in SECRETS)


def test_of_another_organization_there_is_nothing_in_it(whole: Whole, each: List):
    told = text_of(browser_of(cast.stranger().user).get(each.csv()))
    assert told.splitlines()[0] == each.titles
    assert not speaks_of_acme(told.encode())
    assert not any(word in told.encode() for word in whole.words)


def test_who_may_not_see_the_page_gets_no_file(whole: Whole, each: List):
    assert Client().get(each.csv()).status_code == 302
    for role in (OrganizationRole.MEMBER, OrganizationRole.AUDITOR):
        browser = browser_of(cast.member(whole.office.organization, role, f"{role}@acme.example").user)
        assert browser.get(each.csv()).status_code == browser.get(each.address).status_code


def test_it_is_in_one_language(owner: Client, each: List):
    german, english = (owner.get(each.csv(), headers={"accept-language": language}) for language in ("de", "en"))
    assert text_of(german) == text_of(english)


def test_more_rows_take_no_more_queries(owner: Client, each: List):
    before, one = queries(owner, each)
    doubled(each.model)
    after, two = queries(owner, each)
    assert two > one
    assert after <= before


def queries(owner: Client, each: List) -> tuple[int, int]:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        rows = rows_of(text_of(owner.get(each.csv("show=all"))))
    return len(asked), len(rows)


def doubled(model: type[Model]) -> None:
    """Each row once more, under another name."""
    free = Certificate.objects.filter(client_binding=None)
    for number, row in enumerate(model._default_manager.all()):
        row.pk, row._state.adding = None, True
        for field in model._meta.concrete_fields:
            if isinstance(field, UUIDField):
                setattr(row, field.attname, uuid4())
            elif isinstance(field, CharField) and (field.unique or field.attname in CALLED):
                setattr(row, field.attname, f"{number}{getattr(row, field.attname)}"[: field.max_length])
        if isinstance(row, Membership):
            row.user = cast.stranger().user if number == 0 else cast.superuser(f"{number}@acme.example")
        if isinstance(row, ClientCertificateBinding):
            row.certificate = free[number]
        if isinstance(row, MachineIdentity):
            row.subject += "2"
        if isinstance(row, CertificateAuthority):
            row.key = None
        row.save()


def test_no_cell_is_a_formula(whole: Whole, owner: Client):
    CustomRole.objects.update(name='=HYPERLINK("https://umbrella.example")')
    (row,) = rows_of(text_of(owner.get("/organization/roles/?format=csv")))
    assert row["name"] == '\'=HYPERLINK("https://umbrella.example")'
    sheet = Sheet("any", {"=title": lambda row: row})
    for text in ("=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1"):
        assert rows_of(text_of(sheet.of([text]))) == [{"'=title": f"'{text}"}]


def test_cells_say_plainly_what_is_there():
    sheet = Sheet("any", {"cell": lambda row: row})
    values = (None, True, False, 0, ["a", "b"], 'with "quotes", and\nlines')
    assert [row["cell"] for row in rows_of(text_of(sheet.of(values)))] == ["", "yes", "no", "0", "a b", values[-1]]


def test_another_format_is_the_page(owner: Client):
    for asked in ("format=json", "format=csv&list=others", "format="):
        assert owner.get(f"/roles/?{asked}").headers["Content-Type"].startswith("text/html")
