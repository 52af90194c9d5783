"""What a log was at one moment, as a signed note (C2SP tlog-checkpoint and signed-note)."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from audit.merkle import HASH_SIZE
from audit.signing import Signer, is_signed

_ED25519: Final = b"\x01"
_MAX_SIGNATURES: Final = 16
_DASH: Final = "\N{EM DASH} "


class NoteBroken(Exception):
    """The note is not a checkpoint, or none of the given keys signed it."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The root over the first `size` entries of the log that is called `origin`."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> str:
    """The signed note; the name of its key is the origin."""
    key_hash = _key_hash(checkpoint.origin, signer.public_key)
    signature = base64.b64encode(key_hash + signer.signature(checkpoint.text.encode())).decode()
    return f"{checkpoint.text}\n{_DASH}{checkpoint.origin} {signature}\n"


def open_checkpoint(note: str, origin: str, public_keys: Iterable[bytes]) -> Checkpoint:
    """The checkpoint of `origin` that one of `public_keys` signed; signatures of unknown keys are passed over.

    Raises NoteBroken, also where a known key's signature is wrong beside a good one.
    """
    text, blank, signatures = note.rpartition("\n\n")
    text += "\n"
    *lines, rest = signatures.split("\n")
    if not blank or rest or not lines or len(lines) > _MAX_SIGNATURES:
        raise NoteBroken("not a signed note")
    known = {_key_hash(origin, key): key for key in public_keys}
    is_known = False
    for line in lines:
        name, key_hash, signature = _signature(line)
        if name == origin and (key := known.get(key_hash)) is not None:
            if not is_signed(key, signature, text.encode()):
                raise NoteBroken("the signature is not over this text")
            is_known = True
    if not is_known:
        raise NoteBroken("no signature of a known key")
    return _parse(text, origin)


def _parse(text: str, origin: str) -> Checkpoint:
    lines = text.split("\n")
    if len(lines) != 4 or lines[0] != origin or not lines[1].isascii() or not lines[1].isdecimal():
        raise NoteBroken("not a checkpoint of this log")
    checkpoint = Checkpoint(origin, int(lines[1]), _decoded(lines[2]))
    if checkpoint.text != text or len(checkpoint.root) != HASH_SIZE:
        raise NoteBroken("not the form of a checkpoint")
    return checkpoint


def _signature(line: str) -> tuple[str, bytes, bytes]:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not name:
        raise NoteBroken("not a signature line")
    blob = _decoded(encoded)
    return name, blob[:4], blob[4:]


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteBroken("not base64") from error


def _key_hash(name: str, public_key: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public_key).digest()[:4]
