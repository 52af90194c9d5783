"""The envelope of an archive: what was written comes out, or a sentence that says why not."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable

import pytest

from kernel.secret import Secret
from pkiproject.archive import stream
from pkiproject.archive.stream import ArchiveBroken, Lock, Writer, read_lines

PASSWORD = Lock(Secret("correct horse battery staple"))
KEY = Lock(Secret(bytes(range(32))), is_key=True)
HEADER = 19 + 2 + 32 + 16
CHUNK = 1024
BLOB = CHUNK + 16


@pytest.fixture(autouse=True)
def _small_and_cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "CHUNK_SIZE", CHUNK)
    monkeypatch.setattr(stream, "_LOG_N", 4)


def written(lines: Iterable[bytes], lock: Lock = KEY) -> bytes:
    file = io.BytesIO()
    writer = Writer(file, lock)
    for each in lines:
        writer.write(each)
    writer.close()
    return file.getvalue()


def read(content: bytes, lock: Lock = KEY) -> list[bytes]:
    return list(read_lines(io.BytesIO(content), lock))


def noise(size: int) -> list[bytes]:
    """Lines that do not get smaller by compression."""
    return [os.urandom(size // 2).hex().encode() + b"\n" for _line in range(6)]


@pytest.mark.parametrize("lock", [PASSWORD, KEY], ids=["password", "key"])
@pytest.mark.parametrize("size", [0, 10, 1000, 1024, 5000, 20_000])
def test_what_was_written_is_read(lock: Lock, size: int) -> None:
    lines = noise(size)
    assert read(written(lines, lock), lock) == lines


def test_an_archive_of_nothing_is_one() -> None:
    assert read(written([])) == []


@pytest.mark.parametrize("extra", range(-3, 4))
def test_an_end_at_the_edge_of_a_chunk(monkeypatch: pytest.MonkeyPatch, extra: int) -> None:
    """Whether the last chunk is full, or nearly, or has a byte in it."""
    monkeypatch.setattr(stream, "_COMPRESSION", 0)
    overhead = 2 + 5 + 4  # of zlib for one stored block
    lines = [b"x" * (CHUNK - overhead + extra - 1) + b"\n"]
    content = written(lines)
    assert read(content) == lines
    assert (len(content) - HEADER > BLOB) is (extra > 0)


def test_lines_that_shrink_a_thousandfold_come_out_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "_STEP", 1000)
    lines = [b"x" * 99_999 + b"\n", *[b"\n"] * 5000, b"y" * 100 + b"\n"]
    assert read(written(lines)) == lines


def test_nothing_of_it_can_be_read_from_outside() -> None:
    content = written([b"the master key is here\n"] * 100)
    assert b"master" not in content
    assert written([b"same\n"]) != written([b"same\n"])


def flip(content: bytes, place: int) -> bytes:
    changed = bytearray(content)
    changed[place] ^= 1
    return bytes(changed)


def exchange(content: bytes, first: int, second: int) -> bytes:
    chunks = [content[start : start + BLOB] for start in range(HEADER, len(content), BLOB)]
    chunks[first], chunks[second] = chunks[second], chunks[first]
    return content[:HEADER] + b"".join(chunks)


Spoil = Callable[[bytes], bytes]
SPOILT: dict[str, tuple[Spoil, str]] = {
    "nothing": (lambda _content: b"", "not an archive"),
    "another file": (lambda _content: b"\x89PNG" + bytes(1000), "not an archive"),
    "another version": (lambda content: content.replace(b"archive 1\n", b"archive 9\n"), "does not know"),
    "a header cut off": (lambda content: content[:40], "within its first bytes"),
    "another kind of lock": (lambda content: content.replace(b"1\nk", b"1\np"), "opened by a password"),
    "a changed salt": (lambda content: flip(content, 30), "This key does not open"),
    "a changed check": (lambda content: flip(content, HEADER - 1), "This key does not open"),
    "only the header": (lambda content: content[:HEADER], "changed or cut off at byte"),
    "a changed first chunk": (lambda content: flip(content, HEADER), f"changed at byte {HEADER} "),
    "a changed second chunk": (lambda content: flip(content, HEADER + BLOB + 7), f"changed at byte {HEADER + BLOB} "),
    "a changed last byte": (lambda content: flip(content, -1), "changed or cut off"),
    "cut within a chunk": (lambda content: content[: HEADER + BLOB + 100], "changed or cut off"),
    "cut between chunks": (lambda content: content[: HEADER + 2 * BLOB], "changed or cut off"),
    "one byte short": (lambda content: content[:-1], "changed or cut off"),
    "something behind it": (lambda content: content + b"x", "changed"),
    "chunks exchanged": (lambda content: exchange(content, 0, 1), "changed at byte"),
    "a chunk of the middle left out": (
        lambda content: content[: HEADER + BLOB] + content[HEADER + 2 * BLOB :],
        "changed at byte",
    ),
    "a chunk twice": (
        lambda content: content[: HEADER + BLOB] + content[HEADER:],
        "changed at byte",
    ),
    "the last chunk first": (lambda content: content[:HEADER] + content[HEADER + 4 * BLOB :], "changed"),
    "chunks of another archive": (lambda content: content[:HEADER] + written(noise(2000))[HEADER:], "changed at byte"),
}


@pytest.mark.parametrize(("spoil", "sentence"), SPOILT.values(), ids=SPOILT)
def test_a_spoilt_archive_is_refused_in_a_sentence(spoil: Spoil, sentence: str) -> None:
    content = written(noise(2000))
    with pytest.raises(ArchiveBroken, match=sentence):
        read(spoil(content))


@pytest.mark.parametrize(
    ("made_with", "opened_with", "sentence"),
    [
        (PASSWORD, Lock(Secret("Correct horse battery staple")), "This password does not open the archive"),
        (KEY, Lock(Secret(bytes(32)), is_key=True), "This key does not open the archive"),
        (PASSWORD, KEY, "The archive is opened by a password"),
        (KEY, PASSWORD, "The archive is opened by a key file"),
    ],
)
def test_what_does_not_open_it_is_told_from_damage(made_with: Lock, opened_with: Lock, sentence: str) -> None:
    with pytest.raises(ArchiveBroken, match=sentence):
        read(written(noise(100), made_with), opened_with)


def test_a_header_cannot_make_a_reader_spend_the_machine() -> None:
    content = bytearray(written(noise(100), PASSWORD))
    content[20] = 40
    with pytest.raises(ArchiveBroken, match="within its first bytes"):
        read(bytes(content), PASSWORD)


def test_an_archive_that_was_not_closed_has_no_end() -> None:
    file = io.BytesIO()
    writer = Writer(file, KEY)
    for each in noise(4000):
        writer.write(each)
    with pytest.raises(ArchiveBroken):
        read(file.getvalue())
