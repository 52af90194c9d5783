"""What a file of keys may ask for before its password is known to be right."""

from __future__ import annotations

import base64
import time

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

from cas.core import der
from cas.core.kdf_cost import is_too_much
from cas.core.keyfiles import read_key_file
from kernel.errors import Invalid
from kernel.secret import Secret

KEY = ec.generate_private_key(ec.SECP256R1())
PASSWORD = Secret("correct horse")
PBES2, PBKDF2, SCRYPT = "1.2.840.113549.1.5.13", "1.2.840.113549.1.5.12", "1.3.6.1.4.1.11591.4.11"


def pfx(rounds: int) -> bytes:
    format_ = PrivateFormat.PKCS12.encryption_builder().kdf_rounds(rounds)
    format_ = format_.key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC).hmac_hash(hashes.SHA256())
    return pkcs12.serialize_key_and_certificates(b"key", KEY, None, None, format_.build(PASSWORD.reveal()))


def pkcs8(function: bytes) -> bytes:
    scheme = der.sequence(der.oid(PBES2), der.sequence(function, der.sequence(der.oid("2.16.840.1.101.3.4.1.42"))))
    return der.sequence(scheme, der.octet_string(bytes(64)))


def pbkdf2(iterations: int) -> bytes:
    return der.sequence(der.oid(PBKDF2), der.sequence(der.octet_string(bytes(8)), der.integer(iterations)))


def scrypt(*numbers: int) -> bytes:
    return der.sequence(der.oid(SCRYPT), der.sequence(der.octet_string(bytes(8)), *map(der.integer, numbers)))


def test_a_file_as_others_make_it_is_read():
    assert read_key_file(Secret(pfx(20_000)), PASSWORD).key.private_numbers() == KEY.private_numbers()


def test_a_pkcs12_file_that_asks_for_hours_is_refused_at_once():
    # 70,000 takes three octets, as 8,000,000 does.
    greedy = pfx(70_000).replace((70_000).to_bytes(3, "big"), (8_000_000).to_bytes(3, "big"))
    started = time.process_time()
    with pytest.raises(Invalid) as refusal:
        read_key_file(Secret(greedy), PASSWORD)
    assert time.process_time() - started < 1
    assert [(each.field, each.code) for each in refusal.value.errors] == [("private_key", "unreadable-key")]


COSTS = {
    "what is advised today": (pkcs8(pbkdf2(600_000)), False),
    "ten million": (pkcs8(pbkdf2(10_000_000)), True),
    "a number of a hundred octets": (pkcs8(pbkdf2(1 << 800)), True),
    "scrypt as OpenSSL does it": (pkcs8(scrypt(16_384, 8, 1)), False),
    "scrypt with a length": (pkcs8(scrypt(16_384, 8, 1, 32)), False),
    "scrypt by a gigabyte": (pkcs8(scrypt(1 << 20, 8, 1)), True),
    "a little often": (der.sequence(*[pkcs8(pbkdf2(600_000))] * 4), True),
    "inside of an octet string": (der.octet_string(der.octet_string(pkcs8(pbkdf2(10_000_000)))), True),
    "before something that is cut off": (pkcs8(pbkdf2(10_000_000)) + b"\x30\x84\xff", True),
    "in lengths that DER forbids": (b"\x30\x84\x00\x00\x00\x50" + pkcs8(pbkdf2(10_000_000)), True),
    "of indefinite length": (b"\x30\x80" + pkcs8(pbkdf2(10_000_000)) + b"\0\0", True),
    "after a tag of several octets": (b"\x1f\x81\x01\x01\x00" + pkcs8(pbkdf2(10_000_000)), True),
    "nothing": (b"", False),
    "a key in clear": (b"\x30\x03\x02\x01\x00", False),
}


@pytest.mark.parametrize(("data", "is_refused"), COSTS.values(), ids=COSTS)
def test_costs(data, is_refused):
    assert is_too_much(data) is is_refused


def encrypted(data: bytes, *, iterations: int, said: int) -> tuple[bytes, bytes]:
    """By PBES2 (RFC 8018 section 6.2): what it says how it is encrypted, and the ciphertext."""
    salt, iv = bytes(8), bytes(16)
    key = PBKDF2HMAC(hashes.SHA256(), 32, salt, iterations).derive(PASSWORD.reveal())
    padding = 16 - len(data) % 16
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    ciphertext = encryptor.update(data + bytes([padding]) * padding) + encryptor.finalize()
    hmac = der.sequence(der.oid("1.2.840.113549.2.9"), der.null())
    function = der.sequence(der.oid(PBKDF2), der.sequence(der.octet_string(salt), der.integer(said), hmac))
    cipher = der.sequence(der.oid("2.16.840.1.101.3.4.1.42"), der.octet_string(iv))
    return der.sequence(der.oid(PBES2), der.sequence(function, cipher)), ciphertext


def nested_pfx(said: int) -> bytes:
    """A key that is encrypted inside of a safe that is (RFC 7292 section 4.1)."""
    key = KEY.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    scheme, ciphertext = encrypted(key, iterations=1000, said=said)
    shrouded = der.sequence(scheme, der.octet_string(ciphertext))
    safe = der.sequence(der.sequence(der.oid("1.2.840.113549.1.12.10.1.2"), der.explicit(0, shrouded)))
    scheme, ciphertext = encrypted(safe, iterations=1000, said=1000)
    content = der.sequence(der.oid("1.2.840.113549.1.7.1"), scheme, der.tlv(0x80, ciphertext))
    info = der.sequence(der.oid("1.2.840.113549.1.7.6"), der.explicit(0, der.sequence(der.integer(0), content)))
    data = der.explicit(0, der.octet_string(der.sequence(info)))
    return der.sequence(der.integer(3), der.sequence(der.oid("1.2.840.113549.1.7.1"), data))


def test_what_is_hidden_in_what_is_encrypted_freezes_nobody():
    assert read_key_file(Secret(nested_pfx(1000)), PASSWORD).key.private_numbers() == KEY.private_numbers()
    greedy = nested_pfx((1 << 31) - 1)
    assert not is_too_much(greedy)
    with pytest.raises(Invalid) as refusal:
        read_key_file(Secret(greedy), PASSWORD)
    assert [(each.field, each.code) for each in refusal.value.errors] == [("private_key", "unreadable-key")]


def test_an_encrypted_key_that_asks_for_hours_is_refused_at_once():
    pem = b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n" + base64.encodebytes(pkcs8(pbkdf2(1 << 31)))
    started = time.process_time()
    for encoded in (pem + b"-----END ENCRYPTED PRIVATE KEY-----\n", pkcs8(pbkdf2(1 << 31))):
        with pytest.raises(Invalid, match="private key"):
            read_key_file(Secret(encoded), PASSWORD)
    assert time.process_time() - started < 1
