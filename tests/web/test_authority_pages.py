"""The life of CAs in the admin: requested, completed, moved in, crossed, renewed, succeeded, given up."""

from __future__ import annotations

import pytest
from cryptography import x509
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.models import Organization
from cas.chains import chain_of
from cas.core.formats import to_pkcs12
from cas.models import CaCertificate, CaKey, CertificateAuthority, IssuedSerial, Template
from kernel.secret import Secret
from tests import elsewhere
from tests.elsewhere import DAY, pem
from tests.office import open_office
from tests.pki import a_key, make_csr
from tests.web.people import browser_of

pytestmark = pytest.mark.django_db

LIST = "/admin/cas/certificateauthority"


def act(client, path: str, **fields: object):
    response = client.post(f"{path}/", fields)
    assert response.status_code == 302, response.context["form"].errors
    return response


def ca(name: str) -> CertificateAuthority:
    return CertificateAuthority.objects.get(name=name)


def page_of(row: CertificateAuthority) -> str:
    return f"{LIST}/{row.pk}"


def text_of(client, path: str) -> str:
    return client.get(f"{path}/").content.decode()


def home() -> int:
    return Organization.objects.get(name="ACME").pk


def requested(client) -> CertificateAuthority:
    wishes = {"organization": home(), "name": "Offline", "subject": "CN=Offline,O=ACME", "key_algorithm": "ECDSA_P256"}
    act(client, f"{LIST}/request", **wishes)
    return ca("Offline")


def crossed(client, office) -> CaCertificate:
    act(
        client,
        f"{LIST}/create-root",
        organization=home(),
        name="Other Root",
        subject="CN=Other Root",
        key_algorithm="ECDSA_P256",
        validity=3000,
        approvals_needed=1,
    )
    act(client, f"{page_of(office.root)}/cross", issuer=ca("Other Root").pk)
    return CaCertificate.objects.get(ca=office.root, kind="cross")


def test_a_csr_goes_out_and_the_certificate_comes_back(root, office):
    pending, above = requested(root), elsewhere.root()
    answer = root.post(f"{page_of(pending)}/csr/", {})
    assert answer["Content-Disposition"] == f'attachment; filename="{pending.slug}.csr"'
    certificate = above.certify(x509.load_pem_x509_csr(answer.content))
    act(root, f"{page_of(pending)}/complete", certificates=pem(certificate, above.certificate).decode())
    assert (ca("Offline").status, chain_of(ca("Offline")).certificates[1]) == ("active", above.certificate)
    again = root.post(f"{page_of(pending)}/csr/", {})
    later = above.certify(x509.load_pem_x509_csr(again.content), days=1200)
    file = SimpleUploadedFile("answer.pem", pem(later))
    act(root, f"{page_of(pending)}/add-certificate", file=file)
    assert chain_of(ca("Offline")).certificates[0] == later


def test_a_pending_ca_is_shown_as_one_and_never_as_a_root(root, office):
    pending = requested(root)
    text = text_of(root, f"{page_of(pending)}/change")
    assert "Pending" in text
    assert ">root<" not in text
    assert "it has no certificate" in text_of(root, f"{page_of(pending)}/complete")
    offered = {door.slug for _url, door in root.get(f"{page_of(pending)}/change/").context["doors"]}
    assert offered == {"csr", "complete", "cancel", "change-terms"}
    roots, waiting = (root.get(f"{LIST}/", {"kind": kind}).content.decode() for kind in ("root", "pending"))
    assert ("CN=Offline" in roots, "ACME Root" in roots) == (False, True)
    assert ("CN=Offline" in waiting, "CN=ACME Root" in waiting) == (True, False)


def test_what_is_no_answer_stands_beside_the_field(root, office):
    pending = requested(root)
    nothing = root.post(f"{page_of(pending)}/complete/", {})
    assert set(nothing.context["form"].errors) == {"certificates"}
    wrong = root.post(f"{page_of(pending)}/complete/", {"certificates": pem(elsewhere.root().certificate).decode()})
    assert (wrong.status_code, set(wrong.context["form"].errors)) == (422, {"certificates"})


def test_a_request_is_given_up(root, office):
    pending = requested(root)
    before = CaKey.objects.count()
    act(root, f"{page_of(pending)}/cancel")
    pending.refresh_from_db()
    assert (pending.status, CaKey.objects.count()) == ("cancelled", before - 1)
    assert "Cancelled" in text_of(root, f"{page_of(pending)}/change")
    assert root.get(f"{page_of(pending)}/revoke/").status_code == 409
    requested(root)


def test_a_ca_moves_in_by_its_files(root, office):
    old = elsewhere.root().below()
    password = Secret("the old password")
    p12 = to_pkcs12(old.certificate, key=old.key, chain=old.above, password=password).reveal()
    wishes = {
        "organization": home(),
        "name": "Moved",
        "key_file": SimpleUploadedFile("old.p12", p12),
        "last_crl": SimpleUploadedFile("last.crl", old.crl((77, None), number=5)),
        "public_paths": "/crl/old-one.crl",
    }
    wrong = root.post(f"{LIST}/import/", wishes | {"password": "a guess"})
    assert wrong.status_code == 422
    assert "not the password" in wrong.content.decode()
    wishes["key_file"].seek(0)
    wishes["last_crl"].seek(0)
    act(root, f"{LIST}/import", **wishes, password="the old password")
    assert ca("Moved").revocations.count() == 1
    assert root.get("/crl/old-one.crl").status_code == 200


def test_one_from_outside_is_added_and_another_s_is_certified(root, office):
    act(root, f"{LIST}/add-foreign", organization=home(), certificates=pem(elsewhere.root().certificate).decode())
    assert ca("Old Root").kind == "foreign"
    assert root.get(f"{page_of(ca('Old Root'))}/certify/").status_code == 409
    wishes = {"name": "Partner", "csr": make_csr(a_key(number=61), "CN=Partner"), "validity": 300, "path_length": 0}
    act(root, f"{page_of(office.root)}/certify", **wishes)
    assert (ca("Partner").parent, ca("Partner").path_length) == (office.root, 0)


def test_a_ca_is_crossed_preferred_and_loses_the_cross(root, office):
    row = crossed(root, office)
    text = text_of(root, f"{page_of(office.issuing)}/change")
    assert "ACME Issuing CA › ACME Root › Other Root" in text
    certificate = f"/admin/cas/cacertificate/{row.pk}"
    act(root, f"{certificate}/prefer")
    office.root.refresh_from_db()
    assert office.root.parent == ca("Other Root")
    assert root.get(f"{certificate}/prefer/").status_code == 409
    act(root, f"{certificate}/revoke", reason="superseded")
    office.root.refresh_from_db()
    assert office.root.parent is None
    own = CaCertificate.objects.get(ca=office.root, kind="self-signed")
    assert root.get(f"/admin/cas/cacertificate/{own.pk}/revoke/").status_code == 409


def test_others_of_the_organization_are_offered_as_issuers_and_nobody_else(root, office):
    from tests.office import open_office

    stranger = open_office("Umbrella")
    refused = root.post(f"{page_of(office.root)}/cross/", {"issuer": stranger.root.pk})
    assert set(refused.context["form"].errors) == {"issuer"}


def test_a_ca_is_renewed_and_its_terms_are_changed(root, office):
    act(root, f"{page_of(office.issuing)}/renew", validity=400)
    assert CaCertificate.objects.filter(ca=office.issuing).count() == 2
    terms = {"description": "for servers", "base_url": "http://pki.acme.test", "approvals_needed": 2}
    act(root, f"{page_of(office.issuing)}/change-terms", **terms, requires_approval="on", approver_role="pki-approver")
    changed = ca("ACME Issuing CA")
    assert (changed.description, changed.base_url, changed.approvals_needed) == (
        "for servers",
        "http://pki.acme.test",
        2,
    )
    assert (changed.requires_approval, changed.allow_leaf_certificates) == (True, False)
    assert changed.crl_lifetime == office.issuing.crl_lifetime


def test_a_successor_takes_the_templates(root, office):
    assert root.get(f"{page_of(office.issuing)}/move-templates/").status_code == 409
    act(root, f"{page_of(office.issuing)}/succeed", name="G2")
    act(root, f"{page_of(office.issuing)}/move-templates", successor=ca("G2").pk)
    office.template.refresh_from_db()
    assert office.template.ca == ca("G2")
    refused = root.post(f"{page_of(office.issuing)}/move-templates/", {"successor": office.root.pk})
    assert set(refused.context["form"].errors) == {"successor"}


def test_an_authority_is_opened_to_other_systems_clients(root, office):
    act(root, f"{page_of(office.issuing)}/clients", dialect="fastpki")
    assert Template.objects.filter(ca=office.issuing, code__startswith="fastpki.").count() == 3
    page = root.get(f"{page_of(office.issuing)}/clients/").content.decode()
    assert 'value="certman"' in page
    assert 'value="fastpki"' not in page


def test_what_was_never_stored_is_revoked_where_there_is_any(root, office):
    path = f"{page_of(office.issuing)}/abandon"
    assert root.get(f"{path}/").status_code == 409
    reserved = {"organization": office.organization, "ca": office.issuing, "kind": "leaf"}
    IssuedSerial.objects.create(serial="abc", is_intent=True, not_after=timezone.now() + DAY, **reserved)
    IssuedSerial.objects.filter(serial="abc").update(created_at=timezone.now() - DAY)
    act(root, path)
    assert office.issuing.revocations.get().serial == "abc"


# The pages of a CA on which something is signed, with the field for the passphrase of the key that does: its own, or
# that of the CA above.
BY_ITSELF = {"publish": "passphrase", "csr": "passphrase", "certify": "parent_passphrase"}
FROM_ABOVE = {"renew": "passphrase", "cross": "passphrase", "succeed": "parent_passphrase"}


def asked(client, path: str) -> set[str]:
    return {name for name in client.get(f"{path}/").context["form"].fields if "passphrase" in name}


@pytest.mark.parametrize(("own", "above"), [(False, False), (True, False), (False, True)])
def test_a_passphrase_is_asked_for_only_where_the_key_that_signs_has_one(root, office, own, above):
    for row, is_locked in ((office.issuing, own), (office.root, above)):
        CertificateAuthority.objects.filter(pk=row.pk).update(passphrase_protected=is_locked)
    for fields, is_locked in ((BY_ITSELF, own), (FROM_ABOVE, above)):
        for slug, name in fields.items():
            found = asked(root, f"{page_of(office.issuing)}/{slug}")
            # A successor's own key may always get one.
            assert found - ({"passphrase"} if slug == "succeed" else set()) == ({name} if is_locked else set()), slug
    client = browser_of(office.person.user)
    assert ("parent_passphrase" in asked(client, "/authorities/create-intermediate")) is (own or above)


def test_a_passphrase_that_is_asked_for_signs(root):
    locked = open_office(passphrase=Secret("correct horse battery"))
    assert root.post(f"{page_of(locked.issuing)}/publish/").status_code == 422
    act(root, f"{page_of(locked.issuing)}/publish", passphrase="correct horse battery")
