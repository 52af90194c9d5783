from __future__ import annotations

import base64

import pytest

from audit.signing import Signer, sign_checkpoint
from audit.verifier import EMPTY_ROOT, Checkpoint, NoteBroken, note_key_hash, open_checkpoint
from kernel.secret import Secret

ORIGIN = "chancery/0123456789abcdef/7"
OURS, THEIRS = Signer.from_seed(Secret(b"o" * 32)), Signer.from_seed(Secret(b"t" * 32))
CHECKPOINT = Checkpoint(ORIGIN, 20852163, EMPTY_ROOT)
NOTE = sign_checkpoint(CHECKPOINT, OURS)


def test_the_form_of_a_checkpoint():
    text, signature = NOTE.split("\n\n")
    assert text.split("\n") == [ORIGIN, "20852163", base64.b64encode(EMPTY_ROOT).decode()]
    assert signature.startswith(f"\u2014 {ORIGIN} ")
    assert len(base64.b64decode(signature.split(" ")[2])) == 4 + 64
    assert signature.endswith("\n")


# Verifier keys that the world uses: name+hash+key. The hash is what our signature lines begin with.
KNOWN_KEYS = [
    "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
]


@pytest.mark.parametrize("verifier_key", KNOWN_KEYS)
def test_key_hashes_are_those_of_other_implementations(verifier_key):
    name, key_hash, encoded = verifier_key.split("+", 2)
    assert note_key_hash(name, base64.b64decode(encoded)[1:]).hex() == key_hash


def test_opens_with_the_key_that_signed():
    assert open_checkpoint(NOTE, ORIGIN, [THEIRS.public_key, OURS.public_key]) == CHECKPOINT


def test_a_cosignature_of_an_unknown_key_is_passed_over():
    cosigned = NOTE + sign_checkpoint(CHECKPOINT, THEIRS).split("\n\n")[1]
    assert open_checkpoint(cosigned, ORIGIN, [OURS.public_key]) == CHECKPOINT


def _resigned(text: str) -> str:
    key_hash = note_key_hash(ORIGIN, OURS.public_key)
    signature = base64.b64encode(key_hash + OURS.signature(text.encode())).decode()
    return f"{text}\n\u2014 {ORIGIN} {signature}\n"


ROOT = base64.b64encode(EMPTY_ROOT).decode()
BROKEN = {
    "nothing": "",
    "no signature": CHECKPOINT.text,
    "no signature line": CHECKPOINT.text + "\n",
    "another size": NOTE.replace("20852163", "20852164"),
    "another log": NOTE.replace("/7", "/8"),
    "signed by someone else": sign_checkpoint(CHECKPOINT, THEIRS),
    "no last newline": NOTE[:-1],
    "a hyphen for the dash": NOTE.replace("\u2014", "-"),
    "a signature that is not base64": NOTE.replace("\u2014 " + ORIGIN + " ", "\u2014 " + ORIGIN + " *"),
    "too many signatures": NOTE + NOTE.split("\n\n")[1] * 16,
    "one good and one bad signature": NOTE + _resigned("other\n").split("\n\n")[1],
    "well signed, but no checkpoint": _resigned("a\nb\nc\n"),
    "well signed, of another log": _resigned(f"other\n1\n{ROOT}\n"),
    "well signed, a size with a zero before it": _resigned(f"{ORIGIN}\n01\n{ROOT}\n"),
    "well signed, a size in other digits": _resigned(f"{ORIGIN}\n\u0661\n{ROOT}\n"),
    "well signed, half a root": _resigned(f"{ORIGIN}\n1\n{base64.b64encode(EMPTY_ROOT[:16]).decode()}\n"),
    "well signed, with a line too many": _resigned(f"{ORIGIN}\n1\n{ROOT}\nmore\n"),
}


@pytest.mark.parametrize("note", BROKEN.values(), ids=BROKEN.keys())
def test_nothing_else_opens(note):
    with pytest.raises(NoteBroken):
        open_checkpoint(note, ORIGIN, [OURS.public_key])
