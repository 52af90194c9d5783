"""CAs, their chains, and what others need to trust them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Optional

import typer
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from chancery_client import ChanceryClient
from chancery_client.cli import keys
from chancery_client.cli.failures import ExitCode, Failure, WrongUsage
from chancery_client.cli.files import PUBLIC, refuse_overwriting, write_file
from chancery_client.cli.issuance import file_name
from chancery_client.cli.lists import page_size, take
from chancery_client.cli.options import (
    FileOption,
    ForceOption,
    FormatOption,
    JsonOption,
    ProfileOption,
    is_standard_output,
)
from chancery_client.cli.output import Shape, is_terminal, say, shape_of, show_facts, show_json, show_rows, write_bytes
from chancery_client.cli.references import find_authority
from chancery_client.cli.session import connected
from chancery_client.models import AuthorityDetail

AuthorityArgument = Annotated[str, typer.Argument(metavar="CA", help="Its name or its id.", show_default=False)]
# Whose certificates may still be verified; what was revoked is nobody's to trust.
_TRUSTED = ("active", "disabled", "retired")


def list_authorities(as_json: JsonOption = False, shape: FormatOption = None, profile: ProfileOption = None) -> None:
    """List the CAs that you may see.

    Their names, in quotes, are what other commands take.

    Example:
      chancery cas list
    """
    chosen = shape_of(as_json, shape)
    with connected(profile) as client:
        rows, _total = take(client.cas.list(limit=page_size(0, True)), None)
    if chosen is Shape.JSON:
        show_json([row.to_dict() for row in rows])
        return
    show_rows(
        ["name", "kind", "status", "expires", "parent", "id"],
        [
            [
                row.name,
                row.kind,
                row.status,
                row.certificate.not_after if row.certificate else None,
                row.parent.name if row.parent else "",
                row.id,
            ]
            for row in rows
        ],
        chosen,
        # Its name is what other commands take.
        aside=("id",),
    )


def show_authority(ca: AuthorityArgument, as_json: JsonOption = False, profile: ProfileOption = None) -> None:
    """Show a CA: its certificate, and where its CRL and its OCSP responder are.

    It is named as it is listed, or by its id.

    Example:
      chancery cas show "ACME Issuing CA"
    """
    with connected(profile) as client:
        found = find_authority(client, ca)
    if as_json:
        show_json(found.to_dict())
        return
    show_facts(_facts(found))


def show_chain(
    ca: AuthorityArgument,
    fmt: Annotated[str, typer.Option("--format", "-f", metavar="FORMAT", help="pem or p7b.")] = "pem",
    out: FileOption = None,
    force: ForceOption = False,
    profile: ProfileOption = None,
) -> None:
    """Write a CA's certificate and those above it, the root last.

    To standard output, unless --out names a file.

    Examples:
      chancery cas chain "ACME Issuing CA" > chain.pem
      chancery cas chain "ACME Issuing CA" --format p7b --out chain.p7b
    """
    known = _checked_format(fmt, "pem", "p7b")
    with connected(profile) as client:
        found = find_authority(client, ca)
        content = client.cas.chain(found.id, fmt="p7b" if known == "p7b" else "pem")
    _write(content, out, known, force=force)


def ca_bundle(
    ca: Annotated[
        Optional[list[str]],
        typer.Argument(metavar="CA", help="Only these CAs and those above them.", show_default=False),
    ] = None,
    out: FileOption = None,
    force: ForceOption = False,
    profile: ProfileOption = None,
) -> None:
    """Write the certificates of your CAs into one PEM file, roots first.

    It is what programs are given that verify certificates from here: curl --cacert, SSL_CERT_FILE,
    ssl_trusted_certificate. What was revoked is left out.

    Examples:
      chancery ca-bundle --out acme-ca.pem
      chancery ca-bundle "ACME Issuing CA" > acme-ca.pem
    """
    with connected(profile) as client:
        named = [find_authority(client, each) for each in ca or []]
        chains = [client.cas.chain(each.id, fmt="pem") for each in named] if named else _own_certificates(client)
    found = _distinct(each for content in chains for each in keys.read_certificates(content, place="the answer"))
    _require_some(found)
    content = keys.to_pem(*sorted(found, key=lambda each: not keys.is_root(each)))
    _write(content, out, "pem", force=force, count=len(found))


def export_trust_store(
    fmt: Annotated[str, typer.Option("--format", "-f", metavar="FORMAT", help="pem, p7b or der.")] = "pem",
    out: FileOption = None,
    force: ForceOption = False,
    profile: ProfileOption = None,
) -> None:
    """Write the roots that this organization trusts: its own, and its trust anchors elsewhere.

    In PEM and PKCS#7 they are one file, in DER a folder with a file for each.

    Examples:
      chancery trust-store export --out roots.pem
      chancery trust-store export --format der --out /usr/local/share/ca-certificates/acme
    """
    known = _checked_format(fmt, "pem", "p7b", "der")
    with connected(profile) as client:
        own = [
            each
            for content in _own_certificates(client)
            for each in keys.read_certificates(content, place="the answer")
        ]
        anchors, _total = take(client.trust_anchors.list(limit=page_size(0, True)), None)
    elsewhere = [keys.read_certificates(each.pem.encode("ascii"), place="the answer")[0] for each in anchors]
    found = _distinct([*(each for each in own if keys.is_root(each)), *elsewhere])
    _require_some(found)
    if known == "der":
        _write_folder(found, out, force=force)
        return
    content = keys.to_pem(*found) if known == "pem" else pkcs7.serialize_certificates(found, Encoding.DER)
    _write(content, out, known, force=force, count=len(found))


def _own_certificates(client: ChanceryClient) -> list[bytes]:
    """In PEM, of each CA that can be trusted, and that is run here."""
    rows, _total = take(client.cas.list(limit=page_size(0, True)), None)
    good = [row for row in rows if row.status in _TRUSTED and row.kind != "foreign" and row.certificate]
    return [row.certificate.pem.encode("ascii") for row in good if row.certificate]


def _distinct(certificates: Iterable[x509.Certificate]) -> list[x509.Certificate]:
    return list({each.fingerprint(SHA256()): each for each in certificates}.values())


def _require_some(found: list[x509.Certificate]) -> None:
    if not found:
        raise Failure("There is no CA to be trusted.", hint="See: chancery cas list", code=ExitCode.NOT_FOUND)


def _checked_format(text: str, *known: str) -> str:
    if text.lower() not in known:
        raise WrongUsage(f"There is no format '{text}'.", hint=f"There are: {', '.join(known)}.")
    return text.lower()


def _write(content: bytes, out: Optional[Path], fmt: str, *, force: bool, count: int = 0) -> None:
    """To the file, or to standard output, but no binary file to a person."""
    if out is None and fmt != "pem" and is_terminal():
        raise WrongUsage(f"A {fmt} file is not for the terminal.", hint="Say where to with --out.")
    if out is None or is_standard_output(out):
        write_bytes(content)
        return
    refuse_overwriting(out, force=force)
    write_file(out, content, mode=PUBLIC)
    how_many = f" ({_counted(count, 'certificate')})" if count else ""
    say(f"Written to {out}{how_many}.")


def _write_folder(found: list[x509.Certificate], out: Optional[Path], *, force: bool) -> None:
    """A DER file holds one certificate; each is named by its subject and, for that is not unique, its fingerprint."""
    if out is None or is_standard_output(out):
        raise WrongUsage("In DER each root is a file of its own.", hint="Name a folder with --out.")
    places = {out / f"{_stem(each)}.cer": each for each in found}
    refuse_overwriting(*places, force=force)
    for place, each in places.items():
        write_file(place, each.public_bytes(Encoding.DER), mode=PUBLIC)
    say(f"Written to {out} ({_counted(len(places), 'file')}).")


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _stem(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    label = str(names[0].value) if names else "root"
    return f"{file_name(label)}-{certificate.fingerprint(SHA256()).hex()[:8]}"


def _facts(found: AuthorityDetail) -> dict[str, Any]:
    certificate, crl = found.certificate, found.crl
    return {
        "Id": found.id,
        "Name": found.name,
        "Kind": found.kind,
        "Status": found.status,
        "Subject": found.subject,
        "Parent": found.parent.name if found.parent else None,
        "Key": keys.off_the_wire(found.key_algorithm),
        "Passphrase": found.passphrase_protected,
        "Serial": certificate.serial if certificate else None,
        "From": certificate.not_before if certificate else None,
        "Until": certificate.not_after if certificate else None,
        "SHA-256": certificate.fingerprint if certificate else None,
        "Approval": found.requires_approval,
        "CRL": found.crl_url,
        "CRL is good until": crl.next_update if crl else None,
        "OCSP": found.ocsp_url,
        "Description": found.description,
    }
