"""New certificates: for a key that is made here, for one that the server makes, for a CSR that there is."""

import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Optional

import typer

from chancery_client import NotYetIssued
from chancery_client.cli import keys
from chancery_client.cli.files import PUBLIC, read_file, refuse_overwriting, write_file
from chancery_client.cli.issuance import (
    NO_PATIENCE,
    AnyCertificate,
    Target,
    awaited,
    awaiting,
    chained,
    deliver,
    managed_key_of,
    obtain_for_own_key,
    tell_issued,
)
from chancery_client.cli.options import (
    CommonNameOption,
    DescriptionOption,
    ForceOption,
    JsonOption,
    KeyTypeOption,
    PassphraseOption,
    ProfileOption,
    SanOption,
    SubjectOption,
    TagOption,
    TemplateOption,
    TimeoutOption,
    ValidityOption,
    WaitOption,
    ask_passphrase,
    flag,
    is_standard_output,
    read_length,
)
from chancery_client.cli.output import write_bytes
from chancery_client.cli.references import find_template
from chancery_client.cli.session import connected
from chancery_client.cli.wishes import given, read_identity, validity_argument

PrefixOption = Annotated[
    Optional[Path],
    typer.Option(
        "--out",
        "-o",
        metavar="PREFIX",
        help="Where to write: PREFIX.key and PREFIX.pem; - prints both. The common name, in this folder, by default.",
    ),
]
ManagedKeyOption = Annotated[bool, flag("--managed-key", help="Let the server make the key, and hand it out once.")]


def issue(
    san: SanOption = None,
    template: TemplateOption = None,
    common_name: CommonNameOption = None,
    subject: SubjectOption = None,
    out: PrefixOption = None,
    key_type: KeyTypeOption = None,
    managed_key: ManagedKeyOption = False,
    validity: ValidityOption = None,
    tag: TagOption = None,
    description: DescriptionOption = None,
    passphrase: PassphraseOption = False,
    wait: WaitOption = False,
    timeout: TimeoutOption = "1h",
    force: ForceOption = False,
    as_json: JsonOption = False,
    profile: ProfileOption = None,
) -> None:
    """Issue a certificate for a key that is made on this machine.

    The private key stays here, in a file that only you can read; the server sees its public half alone. The
    certificate is written with its intermediate CAs behind it, as web servers want it.

    Examples:
      chancery issue --san www.example.com --san example.com
      chancery issue --template web-tls --san www.example.com --out /etc/nginx/tls/www
      chancery issue --san 10.0.0.5 --cn printer --key-type rsa-3072 --validity 30d
    """
    identity = read_identity(subject, common_name, san)
    algorithm = keys.on_the_wire(key_type) if key_type else None
    patience = read_length(timeout, option="--timeout") if wait else NO_PATIENCE
    wished = {**identity.as_arguments(), **validity_argument(validity), **given(tags=tag, description=description)}
    target = Target.of(out, identity.label, force=force)
    with connected(profile) as client:
        found = find_template(client, template)
        wished["template_code"] = found.code
        wished.update(given(passphrase=ask_passphrase(passphrase)))
        await_it = awaiting(client, patience)
        issued: AnyCertificate
        if managed_key:
            try:
                issued = client.certificates.issue(**wished, **given(key_algorithm=algorithm))
            except NotYetIssued as filed:
                issued = awaited(await_it, filed, target.prefix)
            key = managed_key_of(client, issued)
        else:
            own = keys.make_key(key_type or keys.off_the_wire(found.key_algorithm))
            csr = keys.make_csr(own, identity.subject)
            issued = obtain_for_own_key(own, target, partial(client.certificates.issue, csr=csr, **wished), await_it)
            key = keys.key_to_pem(own)
        certificates = chained(client, issued)
    deliver(issued, target, certificates, key, as_json=as_json)


def sign(
    csr: Annotated[str, typer.Argument(metavar="CSR", help="The file with the request (PEM or DER); - reads it.")],
    san: SanOption = None,
    template: TemplateOption = None,
    common_name: CommonNameOption = None,
    subject: SubjectOption = None,
    out: Annotated[
        Optional[Path],
        typer.Option("--out", "-o", metavar="FILE", help="Where to write it; - prints it. CSR with .pem by default."),
    ] = None,
    validity: ValidityOption = None,
    tag: TagOption = None,
    description: DescriptionOption = None,
    passphrase: PassphraseOption = False,
    wait: WaitOption = False,
    timeout: TimeoutOption = "1h",
    force: ForceOption = False,
    as_json: JsonOption = False,
    profile: ProfileOption = None,
) -> None:
    """Have a certificate request (CSR) signed.

    Subject and names are those in the request, unless they are said here. The certificate is written with its
    intermediate CAs behind it.

    Examples:
      chancery sign www.csr --template web-tls
      openssl req -new -key www.key -subj /CN=www.example.com | chancery sign - > www.pem
    """
    content = sys.stdin.buffer.read() if csr == "-" else read_file(Path(csr), what="The request")
    request = keys.read_csr(content, place="Standard input" if csr == "-" else csr)
    is_printed = is_standard_output(out) or (csr == "-" and out is None)
    place = None if is_printed else out or Path(csr).with_suffix(".pem")
    if place:
        refuse_overwriting(place, force=force)
    patience = read_length(timeout, option="--timeout") if wait else NO_PATIENCE
    named = read_identity(subject, common_name, san).as_arguments() if subject or common_name else given(sans=san)
    wished = {**named, **validity_argument(validity), **given(tags=tag, description=description)}
    with connected(profile) as client:
        wished["template_code"] = find_template(client, template).code
        wished.update(given(passphrase=ask_passphrase(passphrase)))
        issued: AnyCertificate
        try:
            issued = client.certificates.issue(csr=request, **wished)
        except NotYetIssued as filed:
            issued = awaited(awaiting(client, patience), filed, str(place.with_suffix("")) if place else "-")
        certificates = chained(client, issued)
    if place:
        write_file(place, certificates, mode=PUBLIC)
    elif not as_json:
        write_bytes(certificates)
    tell_issued(issued, *([place] if place else []), as_json=as_json)
