"""What was issued: list, show, download, revoke, release."""

from pathlib import Path
from typing import Annotated, Any, Optional, get_args

import typer

from chancery_client.cli import keys
from chancery_client.cli.failures import WrongUsage
from chancery_client.cli.files import PUBLIC, refuse_overwriting, write_file
from chancery_client.cli.issuance import file_name, label_of
from chancery_client.cli.lists import page_size, take, tell_cut
from chancery_client.cli.options import (
    AllOption,
    CertificateArgument,
    ForceOption,
    FormatOption,
    JsonOption,
    LimitOption,
    ProfileOption,
    YesOption,
    confirm,
    flag,
    is_standard_output,
    read_length,
)
from chancery_client.cli.output import (
    Shape,
    is_terminal,
    moment,
    say,
    shape_of,
    show_facts,
    show_json,
    show_rows,
    write_bytes,
)
from chancery_client.cli.references import find_certificate
from chancery_client.cli.session import connected
from chancery_client.cli.wishes import given
from chancery_client.models import Certificate
from chancery_client.words import Reason

_COLUMNS = ("name", "status", "expires", "template", "serial", "id")
_ENDINGS = {
    "pem": ".pem",
    "der": ".cer",
    "p7b": ".p7b",
    "p12": ".p12",
    "chain": "-chain.pem",
    "fullchain": "-fullchain.pem",
    "zip": ".zip",
}
_TEXTS = ("pem", "chain", "fullchain")
REASONS: tuple[str, ...] = get_args(Reason)


def list_certificates(
    name: Annotated[
        Optional[str], typer.Option(metavar="PATTERN", help="Common name or one of the names: '*.example.com'.")
    ] = None,
    status: Annotated[Optional[str], typer.Option(metavar="STATUS", help="issued, expired, held or revoked.")] = None,
    expires_within: Annotated[Optional[str], typer.Option(metavar="TIME", help="Those that end so soon: 30d.")] = None,
    ca: Annotated[Optional[str], typer.Option("--ca", metavar="NAME", help="The CA that has issued it.")] = None,
    template: Annotated[
        Optional[str], typer.Option("--template", "-t", metavar="CODE", help="The template it is from.")
    ] = None,
    tag: Annotated[Optional[list[str]], typer.Option(metavar="WORD", help="A tag; several must all be there.")] = None,
    owner: Annotated[Optional[str], typer.Option(metavar="EMAIL", help="Who answers for it.")] = None,
    requester: Annotated[Optional[str], typer.Option(metavar="NAME", help="Who has asked for it.")] = None,
    serial: Annotated[
        Optional[str], typer.Option(metavar="NUMBER", help="Its serial number, or the beginning: '3fa1*'.")
    ] = None,
    key: Annotated[Optional[str], typer.Option(metavar="KIND", help="Its kind of key: rsa, ecdsa-p256 …")] = None,
    source: Annotated[Optional[str], typer.Option(metavar="SOURCE", help="internal, imported or acme.")] = None,
    filter_: Annotated[
        Optional[str], typer.Option("--filter", "-f", metavar="TERMS", help="Terms joined by commas: tag:prod,key:rsa.")
    ] = None,
    sort: Annotated[
        Optional[str],
        typer.Option(
            metavar="FIELD", help="created_at, not_after or common_name; with - in front the other way round."
        ),
    ] = None,
    limit: LimitOption = 50,
    all_: AllOption = False,
    as_json: JsonOption = False,
    shape: FormatOption = None,
    profile: ProfileOption = None,
) -> None:
    """List certificates, the newest first.

    Every option narrows the list. --filter takes the language of the API: terms such as status:issued, expires_lt:30d
    or cn:*.example.com, joined by commas.

    Examples:
      chancery list --expires-within 30d --status issued
      chancery list --name '*.example.com' --format csv --all > certificates.csv
      chancery list --filter 'tag:prod,key:rsa' --sort not_after --json
    """
    chosen = shape_of(as_json, shape)
    if expires_within:
        read_length(expires_within, option="--expires-within")
    wanted = given(
        name=name,
        status=status,
        expires_lt=expires_within,
        ca=ca,
        template=template,
        tag=tag,
        owner=owner,
        requester=requester,
        serial=serial,
        key=key,
        source=source,
        filter=filter_,
        sort=sort,
    )
    with connected(profile) as client:
        rows, total = take(client.certificates.list(limit=page_size(limit, all_), **wanted), None if all_ else limit)
    _show_certificates(rows, chosen)
    tell_cut(len(rows), total)


def show(certificate: CertificateArgument, as_json: JsonOption = False, profile: ProfileOption = None) -> None:
    """Show a certificate with all that is known of it.

    Also what has renewed it, and why it was revoked. The certificate itself is what `chancery download` gives.

    Examples:
      chancery show www.pem
      chancery show 3F:A1:B2:C3 --json
    """
    with connected(profile) as client:
        found = find_certificate(client, certificate)
    if as_json:
        show_json(found.to_dict())
        return
    revocation = found.revocation
    show_facts(
        {
            "Id": found.id,
            "Status": found.status,
            "Subject": _subject(found.subject),
            "Names": found.sans,
            "Serial": found.serial,
            "Issuer": found.issuer,
            "From": found.not_before,
            "Until": found.not_after,
            "Template": found.template.code if found.template else None,
            "Key": keys.off_the_wire(found.key_algorithm),
            "Private key": found.key_custody,
            "SHA-256": found.fingerprint,
            "Owner": found.owner,
            "Requester": found.requester,
            "Tags": found.tags,
            "Description": found.description,
            "Renews": found.replaces_id,
            "Renewed by": found.replaced_by_ids,
            "Revoked": revocation.revoked_at if revocation else None,
            "Reason": revocation.reason if revocation else None,
            "Comment": revocation.comment if revocation else None,
        }
    )


def download(
    certificate: CertificateArgument,
    fmt: Annotated[
        str, typer.Option("--format", "-f", metavar="FORMAT", help="pem, der, p7b, p12, chain, fullchain or zip.")
    ] = "pem",
    out: Annotated[
        Optional[Path],
        typer.Option(
            "--out", "-o", metavar="FILE", help="The file to write; - prints it, as text formats usually are."
        ),
    ] = None,
    newest: Annotated[bool, flag("--newest", help="The newest of it and of what has renewed it.")] = False,
    force: ForceOption = False,
    profile: ProfileOption = None,
) -> None:
    """Download a certificate. No format has the private key.

    Formats:
      pem        the certificate
      der        the same, in binary
      chain      the CAs above it
      fullchain  the certificate and the CAs above it
      p7b, p12   the same, as PKCS#7 and PKCS#12
      zip        all of the PEM files

    Examples:
      chancery download 3F:A1:B2:C3 > www.pem
      chancery download www.pem --format fullchain --newest --out www-fullchain.pem
    """
    known = "p12" if fmt.lower() == "pfx" else fmt.lower()
    if known not in _ENDINGS:
        raise WrongUsage(f"There is no format '{fmt}'.", hint=f"There are: {', '.join(_ENDINGS)}.")
    is_printed = is_standard_output(out) or (out is None and (known in _TEXTS or not is_terminal()))
    if out and not is_printed:
        refuse_overwriting(out, force=force)
    with connected(profile) as client:
        found = find_certificate(client, certificate)
        ask = client.certificates.download_current if newest else client.certificates.download
        place = None if is_printed else out or Path(f"{file_name(label_of(found))}{_ENDINGS[known]}")
        if place:
            refuse_overwriting(place, force=force)
        content = ask(found.id, **given(fmt=known))
    if place is None:
        write_bytes(content)
        return
    write_file(place, content, mode=PUBLIC)
    say(f"Written to {place}.")


def revoke(
    certificate: CertificateArgument,
    reason: Annotated[
        str, typer.Option("--reason", "-r", metavar="REASON", help="keyCompromise, superseded, cessationOfOperation …")
    ] = "unspecified",
    comment: Annotated[Optional[str], typer.Option(metavar="TEXT", help="For whoever reads it later.")] = None,
    upstream: Annotated[bool, flag("--upstream", help="What came from a public CA: revoke it there first.")] = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
    profile: ProfileOption = None,
) -> None:
    """Revoke a certificate: for good, or with the reason certificateHold until it is released.

    The OCSP responder says so at once, the CRL within a minute. You are asked whether it is meant; --yes answers.

    Reasons: unspecified, keyCompromise, cACompromise, affiliationChanged, superseded, cessationOfOperation,
    certificateHold, privilegeWithdrawn, aACompromise.

    Examples:
      chancery revoke 3F:A1:B2:C3 --reason keyCompromise
      chancery revoke www.pem --reason superseded --yes
    """
    words = {each.lower(): each for each in REASONS}
    if reason.lower() not in words:
        raise WrongUsage(f"There is no reason '{reason}'.", hint=f"There are: {', '.join(REASONS)}.")
    with connected(profile) as client:
        found = find_certificate(client, certificate)
        confirm(f"Revoke {label_of(found)} ({found.serial}, until {moment(found.not_after)})?", yes)
        wished: dict[str, Any] = given(reason=words[reason.lower()], comment=comment, upstream=upstream or None)
        revoked = client.certificates.revoke(found.id, **wished)
    if as_json:
        show_json(revoked.to_dict())
        return
    say(f"{label_of(revoked)} ({revoked.serial}) is {revoked.status}.")


def release(certificate: CertificateArgument, as_json: JsonOption = False, profile: ProfileOption = None) -> None:
    """Release a certificate that is on hold: it is good again.

    Only what was revoked with the reason certificateHold can be released.
    """
    with connected(profile) as client:
        released = client.certificates.release(find_certificate(client, certificate).id)
    if as_json:
        show_json(released.to_dict())
        return
    say(f"{label_of(released)} ({released.serial}) is {released.status}.")


def _show_certificates(rows: list[Certificate], shape: Shape) -> None:
    if shape is Shape.JSON:
        show_json([row.to_dict() for row in rows])
        return
    usual = [[label_of(row), row.status, row.not_after, _template(row), row.serial, row.id] for row in rows]
    if shape is Shape.TABLE:
        show_rows(_COLUMNS, usual, aside=("serial",))
        return
    more = [[row.not_before, row.pki.name if row.pki else "", row.sans] for row in rows]
    show_rows([*_COLUMNS, "issued", "ca", "names"], [[*one, *other] for one, other in zip(usual, more)], shape)


def _template(row: Certificate) -> str:
    return row.template.code if row.template else ""


def _subject(subject: dict[str, Any]) -> str:
    """`common_name=www.example.com, organization=Example`."""
    pairs = ((name, value if isinstance(value, list) else [value]) for name, value in subject.items())
    return ", ".join(f"{name}={each}" for name, values in pairs for each in values)
