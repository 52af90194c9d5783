"""Whatever is pasted is decoded; what is known here is said to who may know; a key is refused and forgotten."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from django.core.files.uploadedfile import SimpleUploadedFile

from cas.chains import chain_of
from cas.core.csr import read_csr
from cas.core.formats import to_der, to_pem, to_pkcs7, to_pkcs12
from certificates.models import Crl
from kernel.secret import Secret
from tests import elsewhere
from tests.elsewhere import pem
from tests.office import open_office
from tests.pki import a_key, make_csr
from tests.trusting import trust
from tests.web.people import browser_of

PAGE = "/tools/inspect/"
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def words_of(answer) -> str:
    return re.sub(r"(<[^>]+>|\s)+", " ", answer.content.decode())


def shown(client, content: bytes | str):
    text = content if isinstance(content, str) else content.decode()
    return client.post(PAGE, {"content": text})


def uploaded(client, content: bytes):
    return client.post(PAGE, {"file": SimpleUploadedFile("some.file", content)})


def kinds(answer) -> list[str]:
    assert answer.status_code == 200, answer.context["form"].errors
    return [item.kind for item, _known in answer.context["found"]]


def known(answer) -> list[str]:
    return [str(each.relation) for _item, found in answer.context["found"] for each in found]


def test_strangers_are_told_what_it_is_and_not_that_it_is_known(office, certificate):
    trust(office)
    chain = to_pem(certificate.body.x509, *chain_of(office.issuing).certificates, elsewhere.root().certificate)
    crl = Crl.objects.filter(scope__ca=office.issuing).latest("number")
    stranger = browser_of(open_office("Umbrella").person.user)
    for answer in (shown(stranger, chain), uploaded(stranger, bytes(crl.body))):
        assert kinds(answer)
        assert known(answer) == []
        assert "Not known here." in words_of(answer)


def test_a_chain_is_decoded_and_each_of_it_is_known(owner, office, certificate):
    anchor = trust(office)
    answer = shown(owner, to_pem(certificate.body.x509, *chain_of(office.issuing).certificates, anchor.certificate))
    assert kinds(answer) == ["certificate"] * 4
    page = answer.content.decode()
    root, issuing = office.root, office.issuing
    addresses = [f"/certificates/{certificate.public_id}/", f"/trust/{anchor.public_id}/"]
    addresses += [f"/authorities/{ca.public_id}/" for ca in (root, issuing)]
    addresses += [f"/authorities/certificates/{ca.certificates.get().fingerprint}/" for ca in (root, issuing)]
    assert all(f'href="{address}"' in page for address in addresses)
    assert certificate.serial.upper()[-6:] in page.replace(":", "")


def test_der_base64_and_pkcs7_say_the_same(owner, office):
    chain = chain_of(office.issuing).certificates
    der = to_der(chain[0])
    answers = [
        shown(owner, to_pem(chain[0])),
        shown(owner, base64.b64encode(der)),
        uploaded(owner, der),
        uploaded(owner, to_pkcs7(chain[:1])),
        uploaded(owner, to_pkcs7(chain[:1], encoding="der")),
    ]
    assert [kinds(answer) for answer in answers] == [["certificate"]] * 5
    assert len({answer.context["found"][0][0].words for answer in answers}) == 1


def test_a_request_says_whether_its_key_has_signed_it(owner, office):
    csr = make_csr(a_key(number=71), "CN=new.acme.test")
    good = shown(owner, csr)
    assert kinds(good) == ["request"]
    assert "by the key in it" in words_of(good)
    der = bytearray(good.context["found"][0][0].shown.public_bytes(Encoding.DER))
    der[-1] ^= 1
    assert "not by the key in it" in words_of(uploaded(owner, bytes(der)))
    assert known(good) == []
    office.issue("new.acme.test", key=read_csr(csr))
    assert known(shown(owner, csr)) == ["Its key has been certified already"]


def test_a_crl_is_read_to_its_entries(owner, office):
    old = elsewhere.root().below()
    answer = uploaded(owner, old.crl((77, None), number=5))
    assert kinds(answer) == ["list"]
    words = answer.context["found"][0][0].words
    assert (words.number, words.entries, words.first[0].serial) == ("5", 1, "4D")
    crl = Crl.objects.filter(scope__ca=office.root).latest("number")
    assert known(uploaded(owner, bytes(crl.body))) == ["It was signed by the authority"]


def private_things() -> dict[str, bytes]:
    above = elsewhere.root()
    key, root = above.key, above.certificate
    locked = BestAvailableEncryption(b"a password")
    pkcs8 = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return {
        "PKCS#8": pkcs8,
        "a key after its certificate": pem(root) + pkcs8,
        "a key that was cut off": pkcs8[:100],
        "SEC1": key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()),
        "OpenSSH": key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()),
        "encrypted": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked),
        "DER": key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        "encrypted DER": key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, locked),
        "bare base64": base64.b64encode(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())),
        "under another label": b"-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----"
        % base64.b64encode(key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())),
        "PKCS#12": to_pkcs12(root, key=key, chain=(), password=Secret("a password")).reveal(),
        "a keystore of Java": b"\xfe\xed\xfe\xed\x00\x00\x00\x02",
        "PuTTY": b"PuTTY-User-Key-File-3: ecdsa-sha2-nistp256\n",
    }


def test_a_private_key_is_refused_and_does_not_come_back(owner, caplog, subtests):
    for name, content in private_things().items():
        text = content.decode("latin-1")
        lines = [line for line in text.splitlines() if len(line) > 12]
        for answer in (uploaded(owner, content), shown(owner, text)):
            with subtests.test(name):
                assert answer.status_code == 422
                said = answer.content.decode() + caplog.text
                assert not any(line in said for line in lines)
        with subtests.test(name):
            assert "private key" in str(uploaded(owner, content).context["form"].errors)


@pytest.mark.parametrize(
    "content",
    ["", "hello", "-----BEGIN CERTIFICATE-----", "A" * 50_000, "-----BEGIN X-----" * 3000, " " * 5000 + "!", "MAA="],
)
def test_nonsense_is_said_to_be_that(owner, content):
    answer = shown(owner, content)
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {"content"}
    assert answer.context["found"] == []


def test_nothing_is_read_from_an_address(owner, certificate):
    answer = owner.get(PAGE, {"content": to_pem(certificate.body.x509)})
    assert (answer.status_code, answer.context["found"]) == (200, [])
    assert "no-store" in answer["Cache-Control"]


def test_a_crl_whose_number_is_longer_than_any_that_is_allowed(owner):
    made = x509.CertificateRevocationListBuilder().issuer_name(x509.Name([])).last_update(NOW).next_update(NOW)
    crl = made.add_extension(x509.CRLNumber(1 << 15_000), critical=False).sign(a_key(), SHA256())
    answer = uploaded(owner, crl.public_bytes(Encoding.DER))
    assert kinds(answer) == ["list"]
    assert "0x1" + "0" * 3_750 in answer.content.decode()
