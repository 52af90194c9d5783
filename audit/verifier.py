#!/usr/bin/env python3
"""Whether an audit log of Chancery still is what was signed, checked by anyone with this one file and an export.

    python verifier.py export.jsonl [--checkpoint FILE …] [--public-key HEX …]
    python verifier.py --proof proof.json --public-key HEX

It needs Python 3.11 and the package `cryptography`, no database and nothing else of Chancery. The status is 0 where
all is sound, 1 where something was found, 2 where a file cannot be read. Whoever trusts the export's maker no
further than needed gives the public keys and the checkpoints that were noted down earlier.

Chancery itself checks by these same functions: what proves the log is written down here once.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import hashlib
import json
import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

HASH_SIZE: Final = 32
EMPTY_ROOT: Final = hashlib.sha256().digest()
SIGNATURE_PREFIX: Final = "ed25519:"
DASH: Final = "\N{EM DASH} "
EXPORT_VERSION: Final = 1
# A log that was rewritten from end to end is not told event by event.
MAX_FINDINGS: Final = 100
_ENTRY: Final = b"chancery audit entry 1\n"
_ED25519: Final = b"\x01"
_MAX_SIGNATURES: Final = 16
_LONGEST_LINE: Final = 16 * 2**20
_KEY_SIZE: Final = 32


# --- the tree (RFC 6962 section 2.1) ----------------------------------------------------------------------------------


def entry(canonical: bytes, signature: bytes) -> bytes:
    """The entry of the tree: the signed bytes and the signature, which has a fixed size."""
    return _ENTRY + signature + canonical


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The roots of the perfect subtrees that a tree consists of: enough to append leaves and to know the root."""

    def __init__(self) -> None:
        self.size = 0
        self._subtrees: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash at the right."""
        node, pairs = leaf, self.size
        while pairs & 1:
            node, pairs = node_hash(self._subtrees.pop(), node), pairs >> 1
        self._subtrees.append(node)
        self.size += 1

    def root(self) -> bytes:
        if not self._subtrees:
            return EMPTY_ROOT
        *left, root = self._subtrees
        for subtree in reversed(left):
            root = node_hash(subtree, root)
        return root


def is_included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the tree of `size` leaves has `leaf` at `index` (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    node, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            found = node_hash(sibling, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and found == root


def is_consistent(first: int, second: int, proof: Sequence[bytes], first_root: bytes, second_root: bytes) -> bool:
    """Whether the tree of `second` leaves begins with the tree of `first` (RFC 9162 section 2.1.4.2)."""
    if not 0 < first <= second:
        return False
    if first == second:
        return not proof and first_root == second_root
    path = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    if not path:
        return False
    node, last = first - 1, second - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root


# --- signatures and checkpoints (RFC 8032, C2SP signed-note and tlog-checkpoint) --------------------------------------


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


def key_id(public_key: bytes) -> str:
    """The first 16 hex digits of the SHA-256 of the 32-byte public key: a name for it, not a proof."""
    return hashlib.sha256(public_key).hexdigest()[:16]


def note_key_hash(name: str, public_key: bytes) -> bytes:
    """What the signature of an Ed25519 key called `name` begins with in a signed note."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public_key).digest()[:4]


def is_signed(public_key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def open_checkpoint(note: str, origin: str, public_keys: Iterable[bytes]) -> Checkpoint:
    """The checkpoint of `origin` that one of `public_keys` signed; signatures of unknown keys are passed over.

    Raises NoteBroken, also where a known key's signature is wrong beside a good one.
    """
    text, blank, signatures = note.rpartition("\n\n")
    text += "\n"
    *lines, rest = signatures.split("\n")
    if not blank or rest or not lines or len(lines) > _MAX_SIGNATURES:
        raise NoteBroken("not a signed note")
    known = {note_key_hash(origin, key): key for key in public_keys}
    is_known = False
    for line in lines:
        name, key_hash, signature = _signature_line(line)
        if name == origin and (key := known.get(key_hash)) is not None:
            if not is_signed(key, signature, text.encode()):
                raise NoteBroken("the signature is not over this text")
            is_known = True
    if not is_known:
        raise NoteBroken("no signature of a known key")
    return _parse_checkpoint(text, origin)


def _parse_checkpoint(text: str, origin: str) -> Checkpoint:
    lines = text.split("\n")
    if len(lines) != 4 or lines[0] != origin or not lines[1].isascii() or not lines[1].isdecimal():
        raise NoteBroken("not a checkpoint of this log")
    checkpoint = Checkpoint(origin, int(lines[1][:20]), _note_base64(lines[2]))
    if checkpoint.text != text or len(checkpoint.root) != HASH_SIZE:
        raise NoteBroken("not the form of a checkpoint")
    return checkpoint


def _signature_line(line: str) -> tuple[str, bytes, bytes]:
    name, _, encoded = line.removeprefix(DASH).partition(" ")
    if not line.startswith(DASH) or not name:
        raise NoteBroken("not a signature line")
    blob = _note_base64(encoded)
    return name, blob[:4], blob[4:]


def _note_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise NoteBroken("not base64") from error


# --- what can be found ------------------------------------------------------------------------------------------------


class Fault(StrEnum):
    """What can be wrong with a log; `MEANINGS` says it in words."""

    KEY_FORGED = "key-forged"
    EVENT_FORGED = "event-forged"
    EVENT_DISGUISED = "event-disguised"
    EVENT_MISSING = "event-missing"
    EVENT_REPLACED = "event-replaced"
    EVENT_MISPLACED = "event-misplaced"
    EVENT_UNCOVERED = "event-uncovered"
    TILE_DAMAGED = "tile-damaged"
    CHECKPOINT_FORGED = "checkpoint-forged"
    CHECKPOINT_FORKED = "checkpoint-forked"
    LOG_CUT = "log-cut"
    EVENT_WITHOUT_ROW = "event-without-row"
    ROW_WITHOUT_EVENT = "row-without-event"
    EXPORT_BROKEN = "export-broken"


MEANINGS: Final[Mapping[Fault, str]] = {
    Fault.KEY_FORGED: "no holder of the master key made this signing key",
    Fault.EVENT_FORGED: "the signature is not over the bytes of the event",
    Fault.EVENT_DISGUISED: "it is shown as something else than its signed bytes say",
    Fault.EVENT_MISSING: "nothing stands where an event was sealed",
    Fault.EVENT_REPLACED: "another event stands here than was sealed",
    Fault.EVENT_MISPLACED: "it stands out of order, or twice",
    Fault.EVENT_UNCOVERED: "it has a place in the tree that no checkpoint covers",
    Fault.TILE_DAMAGED: "hashes of the tree are missing, cut or changed",
    Fault.CHECKPOINT_FORGED: "it is not signed by a known key, or is shown as something else",
    Fault.CHECKPOINT_FORKED: "it was signed over another history than this one",
    Fault.LOG_CUT: "a checkpoint kept elsewhere covers more than is here",
    Fault.EVENT_WITHOUT_ROW: "what this event made is not in the database",
    Fault.ROW_WITHOUT_EVENT: "no event tells of this row",
    Fault.EXPORT_BROKEN: "it is not as an export writes it",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault, and where.

    `log` is None where no log is meant. `position` counts events from 0, or is the size of the checkpoint that is
    meant; None: not sealed, or not told. `subject` is an event's id, a key's, a row, or a line of the export.
    """

    fault: Fault
    log: int | None
    position: int | None
    subject: str

    def __str__(self) -> str:
        where = "" if self.log is None else f" in log {self.log}"
        where += "" if self.position is None else f" at {self.position}"
        subject = f" ({self.subject})" if self.subject else ""
        return f"{self.fault}{where}{subject}: {MEANINGS[self.fault]}"


@dataclass(frozen=True, slots=True)
class LogVerification:
    """`size` events under the last checkpoint, whose root is `root`; `unsealed` more wait. At most 100 findings.

    Of the events before `first` only the hashes were there to be checked.
    """

    log: int
    size: int
    root: bytes
    unsealed: int
    findings: tuple[Finding, ...]
    first: int = 0

    def __str__(self) -> str:
        sealed = f"{self.size} events, root {self.root.hex()}" if self.size else "no sealed events"
        older = f", of the first {self.first} only the hashes" if self.first else ""
        return f"log {self.log}: {sealed}{older}; {self.unsealed} not yet sealed; {len(self.findings)} findings"


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found at `at`, log by log; `beside` is what was found besides."""

    at: datetime
    logs: tuple[LogVerification, ...]
    beside: tuple[Finding, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        return (*self.beside, *chain.from_iterable(log.findings for log in self.logs))

    @property
    def is_sound(self) -> bool:
        return not self.findings

    @property
    def events(self) -> int:
        return sum(log.size + log.unsealed for log in self.logs)

    def __str__(self) -> str:
        verdict = "All is as it was signed." if self.is_sound else "NOT everything is as it was signed."
        return "\n".join([*map(str, self.logs), *map(str, self.findings), verdict])


# --- an export, line by line ------------------------------------------------------------------------------------------


class LineBroken(Exception):
    """A line is not as an export or a proof has it."""


class _Line:
    """One JSON object whose values have the types that are asked for, or LineBroken is raised."""

    def __init__(self, content: bytes) -> None:
        try:
            values = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise LineBroken("it is no JSON") from error
        if not isinstance(values, dict):
            raise LineBroken("it is no JSON object")
        self._values = values
        self.type = self.text("type")

    def text(self, name: str) -> str:
        return self._text(self._values.get(name), name)

    def number(self, name: str) -> int:
        value = self._values.get(name)
        if type(value) is not int or not 0 <= value < 2**63:
            raise LineBroken(f"{name} is no number")
        return value

    def position(self) -> int | None:
        """None where the event is not sealed."""
        return self.number("position") if self._values.get("position", 0) is not None else None

    def signature(self) -> bytes:
        return self._decoded(self.text("signature").removeprefix(SIGNATURE_PREFIX), "signature")

    def hashes(self, name: str) -> list[bytes]:
        """From one text of joined hashes."""
        joined = self._decoded(self.text(name), name)
        if len(joined) % HASH_SIZE:
            raise LineBroken(f"{name} ends within a hash")
        return [joined[start : start + HASH_SIZE] for start in range(0, len(joined), HASH_SIZE)]

    def path(self) -> list[bytes]:
        """The hashes of a proof, each a text of its own."""
        return [self._decoded(text, "path") for text in self._texts("path")]

    def public_keys(self) -> list[bytes]:
        try:
            return [bytes.fromhex(text) for text in self._texts("public_keys")]
        except ValueError as error:
            raise LineBroken("public_keys are not hexadecimal") from error

    def _texts(self, name: str) -> list[str]:
        values = self._values.get(name)
        if not isinstance(values, list):
            raise LineBroken(f"{name} is no list")
        return [self._text(value, name) for value in values]

    def _text(self, value: Any, name: str) -> str:
        if not isinstance(value, str):
            raise LineBroken(f"{name} is no text")
        try:
            value.encode()
        except UnicodeEncodeError as error:  # Half a surrogate pair is JSON, and no text.
            raise LineBroken(f"{name} is no text") from error
        return value

    def _decoded(self, text: str, name: str) -> bytes:
        try:
            return base64.b64decode(text, validate=True)
        except ValueError as error:
            raise LineBroken(f"{name} is not base64") from error


class _Section:
    """One log of an export: its events against the hashes that were sealed, the tree of these against checkpoints.

    Events before `first` are there as hashes only. `witnesses` are checkpoints that were kept elsewhere.
    """

    def __init__(self, line: _Line, keys: Mapping[str, bytes], witnesses: Iterable[str]) -> None:
        self.log, self.origin = line.number("log"), line.text("origin")
        self._first, self._size = line.number("first"), line.number("size")
        if not self.origin.endswith(f"/{self.log}"):
            raise LineBroken("the origin is another log's")
        self._keys = keys
        self._findings: list[Finding] = []
        self._tree = Frontier()
        # Hashes that the tree has not come to yet. Where they end too early, nobody knows the tree any more.
        self._sealed: deque[bytes] = deque()
        self._lacks_hashes = self._is_lost = False
        self._covered = Checkpoint(self.origin, 0, EMPTY_ROOT)
        self._unsealed = 0
        opened = [checkpoint for note in witnesses if (checkpoint := self._opened(note, None))]
        self._witnesses = deque(sorted(opened, key=lambda checkpoint: checkpoint.size))
        self._ask_witnesses()

    def take(self, line: _Line) -> None:
        match line.type:
            case "leaves":
                self._take_leaves(line)
            case "event":
                self._take_event(line)
            case "checkpoint":
                self._take_checkpoint(line)
            case _:
                raise LineBroken("it is of no known type, or not in its place")

    def close(self) -> LogVerification:
        self._advance(self._size)
        if self._tree.size > self._covered.size:
            self._found(Fault.EVENT_UNCOVERED, self._tree.size - 1)
        for witness in self._witnesses:
            self._found(Fault.LOG_CUT, witness.size)
        size, root = self._covered.size, self._covered.root
        return LogVerification(self.log, size, root, self._unsealed, tuple(self._findings), self._first)

    def _take_leaves(self, line: _Line) -> None:
        position, hashes = line.number("position"), line.hashes("hashes")
        if position != self._tree.size + len(self._sealed) or position + len(hashes) > self._size:
            raise LineBroken("these leaves are not the next ones")
        self._sealed.extend(hashes)
        self._lacks_hashes = False

    def _take_event(self, line: _Line) -> None:
        position, canonical, signature = line.position(), line.text("canonical").encode(), line.signature()
        subject = self._check_event(position, canonical, signature, line.text("key"))
        if position is None:
            self._unsealed += 1
            return
        if not self._first <= position < self._size:
            raise LineBroken("this event is not of the part that is told")
        if position < self._tree.size:
            self._found(Fault.EVENT_MISPLACED, position, subject)
            return
        self._advance(position)
        if self._is_lost:
            return
        actual = leaf_hash(entry(canonical, signature))
        sealed = self._sealed.popleft() if self._sealed else None
        if sealed is None:
            if not self._lacks_hashes:
                self._found(Fault.TILE_DAMAGED, position)
            self._lacks_hashes = True
        elif sealed != actual:
            self._found(Fault.EVENT_REPLACED, position, subject)
        self._append(sealed or actual)

    def _take_checkpoint(self, line: _Line) -> None:
        size = line.number("size")
        if not self._tree.size <= size <= self._size:
            raise LineBroken("this checkpoint is not the next one")
        if (checkpoint := self._opened(line.text("note"), size)) is None:
            return
        if checkpoint.size != size:
            self._found(Fault.CHECKPOINT_FORGED, size)
            return
        self._advance(size)
        self._compare(checkpoint)
        self._covered = checkpoint

    def _check_event(self, position: int | None, canonical: bytes, signature: bytes, key: str) -> str:
        """The event's id, as far as it can be read."""
        try:
            document = json.loads(canonical)
            log, subject = document["log"], str(document["id"])
        except (ValueError, RecursionError, KeyError, TypeError):
            log, subject = None, ""
        public_key = self._keys.get(key)
        if public_key is None or not is_signed(public_key, signature, canonical):
            self._found(Fault.EVENT_FORGED, position, subject)
        elif log != self.log:
            self._found(Fault.EVENT_DISGUISED, position, subject)
        return subject

    def _advance(self, size: int) -> None:
        """Grow the tree to `size` by the hashes alone."""
        while self._tree.size < size and not self._is_lost:
            if self._tree.size >= self._first:
                self._found(Fault.EVENT_MISSING, self._tree.size)
            if self._sealed:
                self._append(self._sealed.popleft())
            else:
                self._found(Fault.TILE_DAMAGED, self._tree.size)
                self._is_lost = True

    def _append(self, leaf: bytes) -> None:
        self._tree.append(leaf)
        self._ask_witnesses()

    def _ask_witnesses(self) -> None:
        while self._witnesses and self._witnesses[0].size == self._tree.size:
            self._compare(self._witnesses.popleft())

    def _compare(self, checkpoint: Checkpoint) -> None:
        if not self._is_lost and checkpoint.root != self._tree.root():
            self._found(Fault.CHECKPOINT_FORKED, checkpoint.size)

    def _opened(self, note: str, size: int | None) -> Checkpoint | None:
        try:
            return open_checkpoint(note, self.origin, self._keys.values())
        except NoteBroken:
            self._found(Fault.CHECKPOINT_FORGED, size)
            return None

    def _found(self, fault: Fault, position: int | None, subject: str = "") -> None:
        if len(self._findings) < MAX_FINDINGS:
            self._findings.append(Finding(fault, self.log, position, subject))


class _Export:
    """One reading of an export. `notes` are checkpoints that were kept elsewhere."""

    def __init__(self, public_keys: Iterable[bytes], notes: Iterable[str]) -> None:
        self._keys = _by_id(public_keys)
        self._keys_are_given = bool(self._keys)
        self._notes: dict[str, list[str]] = {}
        for note in notes:
            self._notes.setdefault(note.partition("\n")[0], []).append(note)
        self._section: _Section | None = None
        self._logs: dict[int, LogVerification] = {}
        self._beside: list[Finding] = []
        self._has_ended = False

    def read(self, lines: Iterable[bytes]) -> Verification:
        for number, content in enumerate(lines, 1):
            try:
                self._take(_Line(content))
            except LineBroken as error:
                self._found(Fault.EXPORT_BROKEN, f"line {number}: {error}")
        self._close_section()
        if not self._has_ended:
            self._found(Fault.EXPORT_BROKEN, "its end is missing")
        for origin in self._notes:
            self._found(Fault.LOG_CUT, f"nothing of {origin} is here")
        logs = tuple(self._logs[number] for number in sorted(self._logs))
        return Verification(datetime.now(UTC), logs, tuple(self._beside))

    def _take(self, line: _Line) -> None:
        self._has_ended = line.type == "end"
        match line.type:
            case "export":
                if line.number("version") != EXPORT_VERSION:
                    raise LineBroken("it is of a version that this program does not read")
            case "keys":
                if not self._keys_are_given:
                    self._keys |= _by_id(line.public_keys())
            case "log":
                self._close_section()
                if line.number("log") in self._logs:
                    raise LineBroken("this log has been here already")
                self._section = _Section(line, self._keys, self._notes.pop(line.text("origin"), ()))
            case "end":
                self._close_section()
            case _ if self._section is not None:
                self._section.take(line)
            case _:
                raise LineBroken("it stands in no log")

    def _close_section(self) -> None:
        if self._section is not None:
            self._logs[self._section.log] = self._section.close()
        self._section = None

    def _found(self, fault: Fault, subject: str) -> None:
        if len(self._beside) < MAX_FINDINGS:
            self._beside.append(Finding(fault, None, None, subject))


def verify_export(
    lines: Iterable[bytes], *, public_keys: Iterable[bytes] = (), notes: Iterable[str] = ()
) -> Verification:
    """Check the lines of an export, in memory that does not grow with it.

    Without `public_keys` the keys that the export names are believed: it is then shown to agree with itself. `notes`
    are checkpoints that were kept elsewhere; each must be one of the history that is told here.
    """
    return _Export(public_keys, notes).read(lines)


def verify_proof(content: bytes, *, public_keys: Iterable[bytes] = ()) -> Verification:
    """Check one proof: that an event is under a checkpoint, or that a checkpoint continues an earlier one.

    Without `public_keys` the keys that the proof names are believed. Raises LineBroken where it is no proof.
    """
    proof = _Line(content)
    log, origin = proof.number("log"), proof.text("origin")
    keys = _by_id(public_keys) or _by_id(proof.public_keys())
    try:
        checkpoint = open_checkpoint(proof.text("checkpoint"), origin, keys.values())
        if proof.type == "inclusion":
            finding = _check_inclusion(proof, log, checkpoint, keys)
        elif proof.type == "consistency":
            earlier = open_checkpoint(proof.text("earlier"), origin, keys.values())
            finding = _check_consistency(proof, log, earlier, checkpoint)
        else:
            raise LineBroken("it is neither of the two proofs")
    except NoteBroken:
        return Verification(datetime.now(UTC), (), (Finding(Fault.CHECKPOINT_FORGED, log, None, origin),))
    findings = () if finding is None else (finding,)
    return Verification(datetime.now(UTC), (LogVerification(log, checkpoint.size, checkpoint.root, 0, findings),))


def _check_inclusion(proof: _Line, log: int, checkpoint: Checkpoint, keys: Mapping[str, bytes]) -> Finding | None:
    position, canonical, signature = proof.number("position"), proof.text("canonical").encode(), proof.signature()
    public_key = keys.get(proof.text("key"))
    if public_key is None or not is_signed(public_key, signature, canonical):
        return Finding(Fault.EVENT_FORGED, log, position, "")
    leaf = leaf_hash(entry(canonical, signature))
    if not is_included(leaf, position, checkpoint.size, proof.path(), checkpoint.root):
        return Finding(Fault.EVENT_REPLACED, log, position, "")
    return None


def _check_consistency(proof: _Line, log: int, earlier: Checkpoint, later: Checkpoint) -> Finding | None:
    if is_consistent(earlier.size, later.size, proof.path(), earlier.root, later.root):
        return None
    return Finding(Fault.CHECKPOINT_FORKED, log, earlier.size, "")


def _by_id(public_keys: Iterable[bytes]) -> dict[str, bytes]:
    return {key_id(key): key for key in public_keys}


# --- the command ------------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None, say: Callable[[str], object] | None = None) -> int:
    """Run the command; `say` takes each line that it says, with its end. Returns the exit status."""
    say = say or sys.stdout.write
    options = _parser().parse_args(arguments)
    try:
        notes = [Path(name).read_text(encoding="utf-8") for name in options.checkpoint]
        with _opened(options.file) as file:
            if options.proof:
                verification = verify_proof(file.read(_LONGEST_LINE), public_keys=options.public_key)
            else:
                lines = iter(lambda: file.readline(_LONGEST_LINE), b"")
                verification = verify_export(lines, public_keys=options.public_key, notes=notes)
    except (OSError, UnicodeDecodeError, LineBroken) as error:
        say(f"It cannot be read: {error}\n")
        return 2
    say(f"{verification}\n")
    if not options.public_key:
        say("The public keys are those that the file itself names; --public-key makes sure of them.\n")
    return 0 if verification.is_sound else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="verifier.py", description="Check an export of Chancery's audit log.")
    parser.add_argument("file", help="the export (JSON lines) or the proof (JSON); - is standard input")
    parser.add_argument("--proof", action="store_true", help="the file is an inclusion or consistency proof")
    parser.add_argument(
        "--checkpoint", metavar="FILE", action="append", default=[], help="a checkpoint that you kept; any number"
    )
    parser.add_argument(
        "--public-key",
        metavar="HEX",
        action="append",
        default=[],
        type=_public_key,
        help="a key that you believe; without one, those in the file are believed",
    )
    return parser


def _public_key(text: str) -> bytes:
    key = bytes.fromhex(text)
    if len(key) != _KEY_SIZE:
        raise ValueError("32 bytes are wanted")
    return key


def _opened(name: str) -> contextlib.AbstractContextManager[BinaryIO]:
    return contextlib.nullcontext(sys.stdin.buffer) if name == "-" else open(name, "rb")


if __name__ == "__main__":
    sys.exit(main())
