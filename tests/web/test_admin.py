"""The admin as a whole: whom it lets in, what it answers to nonsense, and that looking changes nothing."""

from __future__ import annotations

import re

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection

from audit.models import AuditEvent
from certificates.models import Certificate
from tests.web.pages import admin_lists, admin_records, every_page

ROOMS = {"accounts", "audit", "cas", "certificates", "acme_client", "notices", "api"}
# Their rows are shown with what they belong to.
WITHIN_OTHERS = {
    "certificates.CertificateBody",
    "certificates.CertificateName",
    "certificates.CertificateTag",
    "certificates.ImportedChain",
    "certificates.SigningRequest",
}
# What no database is asked for comes first.
GARBAGE = [
    *(pytest.param(each, marks=pytest.mark.any_database) for each in ("widgets.css", "abc", "1 OR 1=1", "..")),
    *("0", "-1", "99999999999999999999999", "%00"),
]


def test_every_model_of_every_room_is_there():
    shown = {model._meta.label for model in admin.site._registry}
    ours = {model._meta.label for model in apps.get_models() if model._meta.app_label in ROOMS}
    assert ours - shown == WITHIN_OTHERS


@pytest.mark.any_database
def test_nobody_without_an_account_gets_in(client, certificate):
    for path in (*admin_lists(), *admin_records()):
        response = client.get(path)
        assert response.status_code == 302, path
        assert response["Location"].startswith("/sign-in/?next="), path


@pytest.mark.any_database
def test_an_owner_is_no_superuser(owner, certificate):
    for path in (*admin_lists(), *admin_records()):
        assert owner.get(path).status_code == 403, path
        assert owner.post(path).status_code == 403, path
    assert Certificate.objects.get().state == "issued"


@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_in_an_address_is_not_found(root, certificate, garbage):
    for model, model_admin in admin.site._registry.items():
        base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/{garbage}"
        slugs = ["change", "delete", "history", *(page.slug for page in getattr(model_admin, "object_pages", ()))]
        for slug in slugs:
            response = root.get(f"{base}/{slug}/")
            assert response.status_code in (403, 404), f"{base}/{slug}/"


@pytest.mark.any_database
def test_looking_at_everything_changes_nothing(root, certificate):
    root.get("/")
    before = _every_row()
    seen, waiting = set(), ["/"]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        response = root.get(path)
        assert response.status_code in (200, 302, 409), path
        if response["Content-Type"].startswith("text/html") and path.count("?") == 0:
            found = re.findall(r'href="(/[^"#]*)"', response.content.decode())
            waiting += [link.replace("&amp;", "&") for link in found if not link.startswith("/static/")]
    assert len(seen) > 60
    assert _every_row() == before


@pytest.mark.any_database
def test_records_are_never_added_changed_or_deleted_by_the_admin_itself(root, certificate):
    for model, model_admin in admin.site._registry.items():
        base = f"/admin/{model._meta.app_label}/{model._meta.model_name}"
        row = model._default_manager.first()
        assert root.post(f"{base}/add/", {}).status_code == 403, base
        if row is not None:
            assert root.post(f"{base}/{row.pk}/change/", {}).status_code == 403, base
            assert root.post(f"{base}/{row.pk}/delete/", {"post": "yes"}).status_code == 403, base
        assert "delete_selected" not in model_admin.get_actions(root.get("/admin/").wsgi_request)


@pytest.mark.parametrize(
    "query",
    [
        *(pytest.param(each, marks=pytest.mark.any_database) for each in ("o=99", "p=x", "e=1")),
        *("q=%00", "q=%27", "ca__id__exact=abc", "status=nonsense", "q=" + "x" * 3000),
    ],
)
def test_no_query_breaks_a_list(root, certificate, query):
    for path in admin_lists():
        assert root.get(f"{path}?{query}").status_code in (200, 302, 409), f"{path}?{query}"


@pytest.mark.parametrize(
    "term", ["www.acme", "WWW.ACME.TEST", "api.acme.test", "*.acme.test", "serial", "colons", "decimal", "fingerprint"]
)
def test_a_certificate_is_found_by_whatever_people_have(root, office, certificate, term):
    office.issue("other.acme.test", "other.acme.test")
    other_ways = {
        "serial": certificate.serial[:12],
        "colons": ":".join(re.findall("..", certificate.serial.zfill(40))).upper(),
        "decimal": str(int(certificate.serial, 16)),
        "fingerprint": certificate.fingerprint.upper(),
    }
    page = root.get("/admin/certificates/certificate/", {"q": other_ways.get(term, term)}).content.decode()
    assert f">{certificate}" in page


def test_lists_ask_few_questions(root, office, django_assert_max_num_queries):
    for number in range(12):
        office.issue(f"host{number}.acme.test", f"host{number}.acme.test")
    with django_assert_max_num_queries(20):
        root.get("/admin/certificates/certificate/")


def test_a_certificate_is_decoded(root, certificate):
    page = root.get(f"/admin/certificates/certificate/{certificate.pk}/change/").content.decode()
    for words in ("DNS api.acme.test", "TLS server", "Not a CA", "2.5.29.35", "BEGIN CERTIFICATE", "Digital signature"):
        assert words in page


@pytest.mark.any_database
def test_no_sealed_key_is_on_any_page(root, certificate):
    from cas.models import CaKey

    sealed = bytes(CaKey.objects.first().sealed)
    for path in every_page():
        text = root.get(path).content.decode(errors="replace")
        assert sealed.hex() not in text, path
        assert repr(sealed)[2:40] not in text, path
        assert "PRIVATE KEY" not in text, path


def test_a_record_says_yes_and_no_in_words(root, office):
    page = root.get(f"/admin/cas/template/{office.template.pk}/change/").content.decode()
    assert re.search(r'class="badge[^"]*">\s*no</span>', page)
    assert "icon-" not in page


def _every_row() -> dict[str, int]:
    counts = {
        model._meta.label: model._default_manager.count()
        for model in apps.get_models()
        if model._meta.app_label in ROOMS
    }
    counts["audit head"] = AuditEvent.objects.order_by("-id").values_list("id", flat=True).first() or 0
    assert connection.vendor
    return counts
