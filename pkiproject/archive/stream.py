"""The envelope of an archive: AES-256-GCM in chunks, so that it is written and read in little memory.

    "Chancery archive 1\\n" | kind (1) | log2 of scrypt's N (1) | salt (32) | check (16) | chunk | chunk | …

The key is HKDF-SHA256 over scrypt(password, salt) (RFC 7914), or over a key file's 32 bytes, with the header as info.
Each chunk is 256 KiB of plaintext (the last one less) and its tag. The nonce is the number of the chunk and a byte that
is 1 in the last one only (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár, 2015): chunks that were
changed, exchanged, repeated, removed or cut off do not open. The check is the tag of nothing at all: it tells a wrong
password from damage.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from kernel.secret import Secret

CHUNK_SIZE: Final = 256 * 1024
_MAGIC: Final = b"Chancery archive "
_VERSION: Final = b"1\n"
_SALT_SIZE: Final = 32
_TAG_SIZE: Final = 16
_KEY_SIZE: Final = 32
_PASSWORD: Final = b"p"
_KEY: Final = b"k"
_HEADER_SIZE: Final = len(_MAGIC) + len(_VERSION) + 2 + _SALT_SIZE
# 2**17 × 8 costs 128 MiB and about half a second: an archive may be guessed at for years.
_LOG_N: Final = 17
# What a forged header can make a reader spend: 1 GiB.
_HIGHEST_LOG_N: Final = 20
_CHECK_NONCE: Final = b"\xff" * 12
_COMPRESSION: Final = 3
_STEP: Final = 2**20


class ArchiveBroken(Exception):
    """The file is no archive, or not as it was made, or this does not open it; the message says which."""


@dataclass(frozen=True, slots=True)
class Lock:
    """What an archive is opened by: a password, or the 32 bytes of a key file."""

    secret: Secret
    is_key: bool = False


class Writer:
    """What is written comes out compressed and sealed. Without `close` the archive has no end, and is refused."""

    def __init__(self, file: BinaryIO, lock: Lock) -> None:
        kind, log_n = (_KEY, 0) if lock.is_key else (_PASSWORD, _LOG_N)
        self._header = _MAGIC + _VERSION + kind + bytes([log_n]) + os.urandom(_SALT_SIZE)
        self._cipher = _cipher(lock, self._header)
        self._file, self._waiting, self._number = file, bytearray(), 0
        self._compressor = zlib.compressobj(_COMPRESSION)
        file.write(self._header + self._cipher.encrypt(_CHECK_NONCE, b"", self._header))

    def write(self, data: bytes) -> None:
        self._waiting += self._compressor.compress(data)
        # The last chunk is sealed as such, so a full one waits until more comes.
        while len(self._waiting) > CHUNK_SIZE:
            self._seal(bytes(self._waiting[:CHUNK_SIZE]), is_last=False)
            del self._waiting[:CHUNK_SIZE]

    def close(self) -> None:
        self._waiting += self._compressor.flush()
        while len(self._waiting) > CHUNK_SIZE:
            self._seal(bytes(self._waiting[:CHUNK_SIZE]), is_last=False)
            del self._waiting[:CHUNK_SIZE]
        self._seal(bytes(self._waiting), is_last=True)

    def _seal(self, chunk: bytes, *, is_last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._number, is_last), chunk, self._header))
        self._number += 1


def read_lines(file: BinaryIO, lock: Lock) -> Iterator[bytes]:
    """The lines that were written, each with its newline; each was checked before it is given out.

    Raises ArchiveBroken.
    """
    expander, rest = zlib.decompressobj(), b""
    for chunk in _read_chunks(file, lock):
        waiting = chunk
        # Step by step: a chunk that is nothing but zeros would become 256 MiB.
        while part := expander.decompress(waiting, _STEP):
            waiting = expander.unconsumed_tail
            *lines, rest = (rest + part).split(b"\n")
            for line in lines:
                yield line + b"\n"
    if rest or not expander.eof:
        raise ArchiveBroken("The archive ends in the middle of a line.")


def _read_chunks(file: BinaryIO, lock: Lock) -> Iterator[bytes]:
    header, cipher = _read_header(file, lock)
    number, start = 0, file.tell()
    blob = file.read(CHUNK_SIZE + _TAG_SIZE)
    while True:
        following = file.read(CHUNK_SIZE + _TAG_SIZE) if len(blob) == CHUNK_SIZE + _TAG_SIZE else b""
        yield _opened(cipher, header, blob, number, is_last=not following, start=start)
        if not following:
            return
        number, start, blob = number + 1, start + len(blob), following


def _opened(cipher: AESGCM, header: bytes, blob: bytes, number: int, *, is_last: bool, start: int) -> bytes:
    try:
        return cipher.decrypt(_nonce(number, is_last), blob, header)
    except (InvalidTag, ValueError):
        pass
    what = "changed or cut off" if is_last else "changed"
    raise ArchiveBroken(f"The archive was {what} at byte {start} or after it.")


def _read_header(file: BinaryIO, lock: Lock) -> tuple[bytes, AESGCM]:
    header, check = file.read(_HEADER_SIZE), file.read(_TAG_SIZE)
    if not header.startswith(_MAGIC):
        raise ArchiveBroken("This file is not an archive of Chancery.")
    if not header.startswith(_MAGIC + _VERSION):
        raise ArchiveBroken("The archive has a form that this version of Chancery does not know.")
    if len(check) != _TAG_SIZE:
        raise ArchiveBroken("The archive was cut off within its first bytes.")
    kind, log_n = header[len(_MAGIC + _VERSION) :][:1], header[len(_MAGIC + _VERSION) + 1]
    if kind != (_KEY if lock.is_key else _PASSWORD):
        wanted = "a key file" if kind == _KEY else "a password"
        raise ArchiveBroken(f"The archive is opened by {wanted}.")
    if log_n > _HIGHEST_LOG_N:
        raise ArchiveBroken("The archive was changed within its first bytes.")
    cipher = _cipher(lock, header)
    try:
        cipher.decrypt(_CHECK_NONCE, check, header)
    except InvalidTag:
        what = "key" if lock.is_key else "password"
        raise ArchiveBroken(f"This {what} does not open the archive.") from None
    return header, cipher


def _cipher(lock: Lock, header: bytes) -> AESGCM:
    material, salt, log_n = lock.secret.reveal(), header[-_SALT_SIZE:], header[-_SALT_SIZE - 1]
    if not lock.is_key:
        material = Scrypt(salt=salt, length=_KEY_SIZE, n=2**log_n, r=8, p=1).derive(material)
    return AESGCM(HKDF(SHA256(), _KEY_SIZE, salt=None, info=header).derive(material))


def _nonce(number: int, is_last: bool) -> bytes:
    return number.to_bytes(11) + bytes([is_last])
