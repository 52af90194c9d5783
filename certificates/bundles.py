"""A certificate in the formats that people download. Pure: bytes in, bytes out."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cryptography import x509

from cas.core.formats import to_der, to_pem, to_pkcs7, to_pkcs12
from cas.core.keys import load_private_key, serialize_private_key
from kernel.errors import Invalid
from kernel.secret import Secret
from kernel.text import _


class Format(StrEnum):
    """What `fmt` may be."""

    PEM = "pem"
    DER = "der"
    P7B = "p7b"
    P12 = "p12"
    CHAIN = "chain"
    FULLCHAIN = "fullchain"
    ZIP = "zip"

    @classmethod
    def read(cls, text: str, *, field: str = "fmt") -> Format:
        """Raises Invalid for a format that is not known. `pfx` is another name of `p12`."""
        try:
            return cls("p12" if text.lower() == "pfx" else text.lower())
        except ValueError as error:
            known = ", ".join(cls)
            raise Invalid.of(field, "unknown-format", _("Known formats are %(known)s."), known=known) from error


@dataclass(frozen=True, slots=True)
class Download:
    """A file to hand out."""

    content: bytes
    content_type: str
    filename: str


def bundle(certificate: x509.Certificate, chain: Sequence[x509.Certificate], fmt: Format, *, name: str) -> Download:
    """The certificate (and its chain, issuer first) without any key. Raises Invalid (a format that cannot hold it)."""
    stem = file_stem(name)
    match fmt:
        case Format.PEM:
            return Download(_pem(certificate), "application/x-pem-file", f"{stem}.pem")
        case Format.DER:
            return Download(to_der(certificate), "application/pkix-cert", f"{stem}.cer")
        case Format.P7B:
            content = to_pkcs7([certificate, *chain], encoding="der")
            return Download(content, "application/x-pkcs7-certificates", f"{stem}.p7b")
        case Format.P12:
            content = to_pkcs12(certificate, key=None, chain=chain, password=None, name=name).reveal()
            return Download(content, "application/x-pkcs12", f"{stem}.p12")
        case Format.CHAIN:
            return Download(_pem(*chain), "application/x-pem-file", f"{stem}-chain.pem")
        case Format.FULLCHAIN:
            return Download(_pem(certificate, *chain), "application/x-pem-file", f"{stem}-fullchain.pem")
        case Format.ZIP:
            files = {
                f"{_stem_beside_chain(stem)}.pem": _pem(certificate),
                "chain.pem": _pem(*chain),
                "fullchain.pem": _pem(certificate, *chain),
            }
            return Download(_zip(files), "application/zip", f"{stem}.zip")


def bundle_with_key(
    certificate: x509.Certificate,
    chain: Sequence[x509.Certificate],
    private_key: Secret,
    fmt: Format,
    *,
    name: str,
    password: Secret | None = None,
) -> Download:
    """The private key (PKCS#8 DER in) with what belongs to it: as `pem`, `der`, `p12` or `zip`.

    The password encrypts the key; a PKCS#12 file must have one. Raises Invalid.
    """
    stem = file_stem(name)
    key = load_private_key(private_key, trusted=True)
    match fmt:
        case Format.PEM:
            content = serialize_private_key(key, encoding="pem", password=password).reveal()
            return Download(content, "application/x-pem-file", f"{stem}.key")
        case Format.DER:
            content = serialize_private_key(key, encoding="der", password=password).reveal()
            return Download(content, "application/pkcs8", f"{stem}.key.der")
        case Format.P12:
            content = to_pkcs12(certificate, key=key, chain=chain, password=password, name=name).reveal()
            return Download(content, "application/x-pkcs12", f"{stem}.p12")
        case Format.ZIP:
            key_pem = serialize_private_key(key, encoding="pem", password=password).reveal()
            own = _stem_beside_chain(stem)
            files = {
                f"{own}.key": key_pem,
                f"{own}.pem": _pem(certificate),
                "chain.pem": _pem(*chain),
                "fullchain.pem": _pem(certificate, *chain),
            }
            return Download(_zip(files), "application/zip", f"{stem}.zip")
        case _:
            raise Invalid.of("fmt", "no-room-for-key", _("This format cannot hold a private key."))


def pem_files(
    certificate: x509.Certificate, chain: Sequence[x509.Certificate], private_key: Secret | None
) -> dict[str, bytes]:
    """The files that web servers are set up with, by the names that they usually have; the key (PKCS#8 DER in) in two
    of them, where there is one.
    """
    files = {"cert.pem": _pem(certificate), "chain.pem": _pem(*chain), "fullchain.pem": _pem(certificate, *chain)}
    if private_key is None:
        return files
    key = key_pem(private_key)
    return files | {"privkey.pem": key, "combined.pem": files["fullchain.pem"] + key}


def key_pem(private_key: Secret) -> bytes:
    """A private key (PKCS#8 DER) in PEM, without a password."""
    return serialize_private_key(load_private_key(private_key, trusted=True), encoding="pem").reveal()


def zip_file(files: Mapping[str, bytes], *, name: str) -> Download:
    """Files of these names in one archive, called after `name`; nobody but their owner may read them when unpacked."""
    return Download(_zip(files), "application/zip", f"{file_stem(name)}.zip")


def _pem(*certificates: x509.Certificate) -> bytes:
    return to_pem(*certificates).encode()


def file_stem(name: str) -> str:
    """A name that no file system or header can misread."""
    return re.sub(r"[^A-Za-z0-9.-]+", "_", name.replace("*", "wildcard")).strip("._")[:80] or "certificate"


def _stem_beside_chain(stem: str) -> str:
    """A host may be named "chain"; its certificate must not be lost behind the chain's file."""
    return f"{stem}-certificate" if stem.casefold() in ("chain", "fullchain") else stem


def _zip(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o600 << 16
            archive.writestr(info, content)
    return buffer.getvalue()
