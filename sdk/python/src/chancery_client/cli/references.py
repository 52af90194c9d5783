"""Which certificate, CA or template is meant: by what people have at hand, not by ids alone."""

from __future__ import annotations

import re
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256

from chancery_client import ChanceryClient
from chancery_client.cli.failures import ExitCode, Failure, WrongUsage
from chancery_client.cli.files import read_file
from chancery_client.cli.keys import read_certificates
from chancery_client.models import Authority, AuthorityDetail, CertificateDetail, Template

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_SERIAL = re.compile(r"(0x)?[0-9a-f]{1,2}(:?[0-9a-f]{2})*", re.IGNORECASE)
_FILES = (".pem", ".crt", ".cer")
_PAGE = 1000


def is_id(text: str) -> bool:
    return bool(_ID.fullmatch(text))


def checked_request(text: str) -> str:
    """The id of a request. Raises WrongUsage for what cannot be one."""
    if not is_id(text):
        raise WrongUsage(f"'{text}' is not the id of a request.", hint="See: chancery requests list")
    return text


def find_certificate(client: ChanceryClient, text: str) -> CertificateDetail:
    """The certificate of this id, with this serial number, or in this PEM file (the first in it).

    Raises:
        WrongUsage: it is none of these.
        Failure: the server does not know the one in the file.
    """
    if is_id(text):
        return client.certificates.get(text)
    path = Path(text)
    if path.is_file():
        return find_in_file(client, path)
    if _SERIAL.fullmatch(text):
        return client.certificates.get_by_serial(text)
    if "/" in text or path.suffix.lower() in _FILES:
        raise WrongUsage(f"There is no file {text}.")
    hint = f"Find it by its name with: chancery list --name {text}"
    raise WrongUsage(f"'{text}' is no id, no serial number and no file.", hint=hint)


def find_in_file(client: ChanceryClient, path: Path) -> CertificateDetail:
    """The certificate in this file, by its fingerprint. Raises WrongUsage, Failure."""
    certificate = read_certificates(read_file(path, what="The file"), place=str(path))[0]
    fingerprint = certificate.fingerprint(SHA256()).hex()
    for found in client.certificates.list(fingerprint=fingerprint, limit=1):
        return client.certificates.get(found.id)
    raise Failure(f"The certificate in {path} is not one that this server knows.", code=ExitCode.NOT_FOUND)


def find_authority(client: ChanceryClient, text: str) -> AuthorityDetail:
    """The CA of this id or name. Raises Failure."""
    if is_id(text):
        return client.cas.get(text)
    rows: list[Authority] = list(client.cas.list(name=text, limit=_PAGE))
    found = [ca for ca in rows if ca.name == text] or [ca for ca in rows if ca.name.casefold() == text.casefold()]
    if len(found) == 1:
        return client.cas.get(found[0].id)
    if found:
        ids = ", ".join(ca.id for ca in found)
        raise WrongUsage(f"There are {len(found)} CAs named '{text}'.", hint=f"Name one by its id: {ids}")
    raise Failure(f"There is no CA named '{text}'.", hint="See: chancery cas list", code=ExitCode.NOT_FOUND)


def find_template(client: ChanceryClient, code: str | None) -> Template:
    """The template of this code; without one, the only one that there is.

    Raises:
        WrongUsage: none is named, and there are several.
        Failure: there is none.
    """
    templates = list(client.templates.list(limit=_PAGE))
    if code is None:
        if len(templates) == 1:
            return templates[0]
        if templates:
            codes = ", ".join(sorted(each.code for each in templates))
            raise WrongUsage("Which template? Say it with --template.", hint=f"There are: {codes}")
    for template in templates:
        if template.code == code:
            return template
    if code is None:
        raise Failure("There is no template to issue from.", hint="Make one in Chancery, under Templates.")
    hint = "See: chancery templates list"
    raise Failure(f"There is no template '{code}'.", hint=hint, code=ExitCode.NOT_FOUND)
