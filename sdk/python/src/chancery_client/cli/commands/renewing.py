"""Renewal: of one certificate by its id, or of the files of a server, as a timer does it."""

from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Annotated, Optional

import typer
from cryptography import x509

from chancery_client import NotYetIssued
from chancery_client.cli import keys, renewal
from chancery_client.cli.failures import NothingToDo, WrongUsage
from chancery_client.cli.files import read_file
from chancery_client.cli.issuance import (
    NO_PATIENCE,
    AnyCertificate,
    Target,
    awaited,
    awaiting,
    chained,
    deliver,
    label_of,
    managed_key_of,
    obtain_for_own_key,
    tell_issued,
)
from chancery_client.cli.options import (
    ForceOption,
    JsonOption,
    KeyTypeOption,
    PassphraseOption,
    ProfileOption,
    TimeoutOption,
    ValidityOption,
    WaitOption,
    ask_passphrase,
    flag,
    read_length,
)
from chancery_client.cli.output import say
from chancery_client.cli.placing import Place
from chancery_client.cli.references import find_certificate
from chancery_client.cli.session import connected
from chancery_client.cli.wishes import given, validity_argument

CommandOption = Annotated[
    Optional[str], typer.Option("--run", metavar="COMMAND", help="What to run after the files of --file were replaced.")
]
_ALONE = "is for a certificate that is named, not for --file."


def renew(
    certificate: Annotated[
        Optional[str],
        typer.Argument(
            metavar="CERTIFICATE", help="Its id, its serial number, or a file that it is in.", show_default=False
        ),
    ] = None,
    file: Annotated[
        Optional[Path], typer.Option("--file", metavar="FILE", help="Renew the certificate in this file, in its place.")
    ] = None,
    key: Annotated[
        Optional[Path],
        typer.Option("--key", metavar="FILE", help="Its private key; --file with .key at its end by default."),
    ] = None,
    if_expiring_within: Annotated[
        Optional[str], typer.Option(metavar="TIME", help="Only where it ends so soon: 30d. Else nothing is done.")
    ] = None,
    run: CommandOption = None,
    out: Annotated[
        Optional[Path],
        typer.Option("--out", "-o", metavar="PREFIX", help="Without --file: where to write PREFIX.key and PREFIX.pem."),
    ] = None,
    same_key: Annotated[bool, flag("--same-key", help="Keep the key, where the template lets it.")] = False,
    managed_key: Annotated[bool, flag("--managed-key", help="Let the server make the new key.")] = False,
    key_type: KeyTypeOption = None,
    validity: ValidityOption = None,
    again: Annotated[bool, flag("--again", help="Renew it although it was renewed before.")] = False,
    passphrase: PassphraseOption = False,
    wait: WaitOption = False,
    timeout: TimeoutOption = "1h",
    force: ForceOption = False,
    as_json: JsonOption = False,
    profile: ProfileOption = None,
) -> None:
    """Renew a certificate: the same subject and names, a new key, a new end.

    With --file, the files that a server uses are renewed in their place: certificate and key are replaced as a whole,
    keep their owner and mode, and whatever interrupts it, the next run goes on where this one has stopped. Run it once
    a day by a timer; where nothing is due it ends with exit code 6, and while somebody has to approve it with 5.

    Examples:
      chancery renew --file www.pem --key www.key --if-expiring-within 30d --run "systemctl reload nginx"
      chancery renew 3F:A1:B2:C3 --out www-new
      chancery renew www.pem --same-key --out www-new
    """
    if (certificate is None) == (file is None):
        raise WrongUsage("Which one? Name a CERTIFICATE, or give --file.")
    if key_type:
        keys.on_the_wire(key_type)
    if same_key and (managed_key or key_type):
        raise WrongUsage("--same-key leaves no choice of a new key.")
    within = read_length(if_expiring_within, option="--if-expiring-within") if if_expiring_within else None
    wish = renewal.Wish(
        within=within,
        key_type=key_type,
        same_key=same_key,
        patience=read_length(timeout, option="--timeout") if wait else NO_PATIENCE,
        arguments={**validity_argument(validity), **given(again=again or None, passphrase=ask_passphrase(passphrase))},
    )
    if file is not None:
        if out or managed_key:
            raise WrongUsage(f"{'--out' if out else '--managed-key'} {_ALONE}")
        _renew_in_place(Place(file, key or file.with_suffix(".key")), wish, run, profile, as_json=as_json)
        return
    if key or run:
        raise WrongUsage(f"{'--key' if key else '--run'} is for --file.")
    _renew_elsewhere(str(certificate), wish, out, profile, managed_key=managed_key, force=force, as_json=as_json)


def _renew_in_place(
    place: Place, wish: renewal.Wish, run: Optional[str], profile: Optional[str], *, as_json: bool
) -> None:
    read_file(place.certificate, what="The certificate")
    with place.alone(), connected(profile) as client:
        try:
            issued = renewal.renew_files(client, place, wish, now=datetime.now(timezone.utc))
        except NothingToDo:
            if not (run and place.recall().get("to_run")):
                raise
            renewal.run_afterwards(run, place)
            say(f"{place.certificate} was renewed before; its command has run now.")
            return
        if issued is None:
            say(f"The renewal of {place.certificate} that was interrupted is at its end.")
        else:
            tell_issued(issued, place.key, place.certificate, as_json=as_json)
        if run:
            place.remember(to_run=True)
            renewal.run_afterwards(run, place)
        else:
            place.state.unlink(missing_ok=True)


def _renew_elsewhere(
    text: str,
    wish: renewal.Wish,
    out: Optional[Path],
    profile: Optional[str],
    *,
    managed_key: bool,
    force: bool,
    as_json: bool,
) -> None:
    with connected(profile) as client:
        known = find_certificate(client, text)
        renewal.require_due(known.serial, known.not_after, wish.within, now=datetime.now(timezone.utc))
        target = Target.of(out, label_of(known), force=force, with_key=not wish.same_key)
        await_it = awaiting(client, wish.patience)
        ask = partial(client.certificates.renew, known.id, **wish.arguments)
        issued: AnyCertificate
        key: Optional[bytes] = None
        if wish.same_key or managed_key:
            chosen = given(key_algorithm=keys.on_the_wire(wish.key_type) if wish.key_type else None)
            try:
                issued = ask(key="same") if wish.same_key else ask(key="new", **chosen)
            except NotYetIssued as filed:
                issued = awaited(await_it, filed, target.prefix)
            key = managed_key_of(client, issued) if managed_key else None
        else:
            own = keys.make_key(wish.key_type or keys.off_the_wire(known.key_algorithm))
            csr = keys.make_csr(own, x509.Name([]))
            issued = obtain_for_own_key(own, target, partial(ask, csr=csr), await_it)
            key = keys.key_to_pem(own)
        certificates = chained(client, issued)
    deliver(issued, target, certificates, key, as_json=as_json)
