"""The folder of an `openssl ca`, or of easy-rsa, which is one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Final

from cryptography import x509

from cas.core.formats import load_certificates, to_der, to_pem
from cas.core.keyfiles import read_key_file
from cas.core.keys import public_key_sha256, supported
from cas.core.names import common_name
from cas.core.reading import UNREADABLE, is_authority
from cas.orders import AuthorityImportOrder, KnownSerial
from certificates.moving.addresses import addresses_in
from certificates.moving.index_file import IndexEntry, read_index
from certificates.moving.orders import MovingCertificate, MovingOrder
from kernel.errors import Invalid
from kernel.ref import Ref
from kernel.secret import Secret
from kernel.text import _

# Where the two keep things, in the order in which they are looked for.
_CERTIFICATES: Final = ("cacert.pem", "ca.crt", "ca.pem", "certs/ca.cert.pem", "certs/ca.crt", "keys/ca.crt")
_KEYS: Final = ("private/cakey.pem", "private/ca.key", "private/ca.key.pem", "cakey.pem", "ca.key", "keys/ca.key")
_CRLS: Final = ("crl.pem", "crl/crl.pem", "crl/ca.crl.pem", "keys/crl.pem")
_INDEXES: Final = ("index.txt", "keys/index.txt")
_ISSUED: Final = ("newcerts", "certs_by_serial", "issued", "certs", "keys")
_PRIVATE: Final = ("private", "keys")
_ENDINGS: Final = frozenset({".pem", ".crt", ".cer"})
_LARGEST_FILE: Final = 256 * 1024
_MOST_IN_FILE: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderOrder:
    """A folder, and what it is to become. Files that are named count in place of those that are looked for."""

    folder: Path
    organization: Ref
    name: str
    key: Path | None = None
    certificate: Path | None = None
    crl: Path | None = None
    chain: Path | None = None
    password: Secret | None = None
    passphrase: Secret | None = None
    base_url: str | None = None
    public_paths: tuple[str, ...] = ()
    with_keys: bool = False


def read_folder(order: FolderOrder) -> MovingOrder:
    """The CA of this folder and all that it has issued. Raises Invalid on what is missing or cannot be read."""
    own = _read_one(_find(order, order.certificate, _CERTIFICATES, "certificate"))
    index = read_index(_find(order, None, _INDEXES, "index").read_text(errors="replace"))
    found = _issued(order.folder, own, {entry.serial for entry in index})
    crl = order.crl or _first(order.folder, _CRLS)
    authority = AuthorityImportOrder(
        organization=order.organization,
        name=order.name,
        key_file=Secret(_find(order, order.key, _KEYS, "key").read_bytes()),
        password=order.password,
        passphrase=order.passphrase,
        base_url=order.base_url,
        certificates=to_pem(own).encode() + (order.chain.read_bytes() if order.chain else b""),
        issued=tuple(KnownSerial(entry.serial, entry.ends) for entry in index),
        revoked=tuple(entry.revocation for entry in index if entry.revocation is not None),
        last_crl=crl.read_bytes() if crl else b"",
        last_crl_number=_last_number(order.folder),
        public_paths=order.public_paths,
    )
    keys = _keys(order.folder) if order.with_keys else {}
    moving = tuple(_moving(entry, found, keys) for entry in index if entry.serial in found)
    addresses = chain.from_iterable(map(addresses_in, found.values()))
    return MovingOrder(authority=authority, certificates=moving, addresses=tuple(dict.fromkeys(addresses)))


def _find(order: FolderOrder, named: Path | None, places: Iterable[str], field: str) -> Path:
    path = named or _first(order.folder, places)
    if path is None or not path.is_file():
        text = _("there is none of %(places)s in this folder; name the file")
        raise Invalid.of(field, "missing", text, places=", ".join(places))
    return path


def _first(folder: Path, places: Iterable[str]) -> Path | None:
    return next((folder / place for place in places if (folder / place).is_file()), None)


def _read_one(path: Path) -> x509.Certificate:
    return load_certificates(path.read_bytes(), field="certificate", longest=_LARGEST_FILE, most=_MOST_IN_FILE)[0]


def _last_number(folder: Path) -> int | None:
    """`crlnumber` holds the one that comes next, in hexadecimal."""
    path = _first(folder, ("crlnumber",))
    if path is None:
        return None
    try:
        return max(int(path.read_text().strip(), 16) - 1, 0)
    except ValueError as error:
        raise Invalid.of("crlnumber", "unreadable", _("this is not a number in hexadecimal")) from error


def _issued(folder: Path, own: x509.Certificate, serials: set[int]) -> dict[int, x509.Certificate]:
    """What lies in the folder and stands in the index; the CA's own certificate stands there as well, and is not it."""
    found: dict[int, x509.Certificate] = {}
    for path in _files(folder, _ISSUED, _ENDINGS):
        try:
            certificate = _read_one(path)
        except Invalid:
            continue
        is_ours = certificate.issuer == own.subject and certificate.serial_number in serials
        if is_ours and certificate != own and not _is_authority(certificate):
            found.setdefault(certificate.serial_number, certificate)
    return found


def _is_authority(certificate: x509.Certificate) -> bool:
    """CAs below come with their own folders."""
    try:
        return is_authority(certificate)
    except UNREADABLE:
        return False


def _files(folder: Path, places: Iterable[str], endings: frozenset[str]) -> Iterator[Path]:
    for place in places:
        for path in sorted((folder / place).glob("*")):
            if path.suffix in endings and path.is_file() and path.stat().st_size <= _LARGEST_FILE:
                yield path


def _keys(folder: Path) -> dict[str, Secret]:
    """Private keys without a password, by the hash of their public halves."""
    found = {}
    for path in _files(folder, _PRIVATE, frozenset({".key", ".pem"})):
        secret = Secret(path.read_bytes())
        try:
            found[public_key_sha256(read_key_file(secret, None).key.public_key())] = secret
        except Invalid:
            continue
    return found


def _moving(entry: IndexEntry, found: dict[int, x509.Certificate], keys: dict[str, Secret]) -> MovingCertificate:
    certificate = found[entry.serial]
    label = f"{common_name(certificate.subject) or 'certificate'} ({entry.serial:x})"
    moving = MovingCertificate(label=label, certificate=to_der(certificate))
    try:
        key = keys.get(public_key_sha256(supported(certificate.public_key())))
    except (Invalid, *UNREADABLE):
        return moving
    return replace(moving, private_key=key)
