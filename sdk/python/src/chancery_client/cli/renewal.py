"""The renewal of a certificate that is in use: from its files, to its files, by one run or by several.

Each step is found again by the next run: the new key is written before the server is asked, a request that waits for
approval is remembered, and what was issued for the key in hand is fetched instead of issued again.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509

from chancery_client import ApiError, ChanceryClient, NotFound, NotYetIssued
from chancery_client.cli import keys
from chancery_client.cli.failures import ExitCode, Failure, NothingToDo, WrongUsage
from chancery_client.cli.files import read_file
from chancery_client.cli.issuance import AnyCertificate, chained
from chancery_client.cli.output import moment
from chancery_client.cli.placing import Place
from chancery_client.cli.references import find_in_file
from chancery_client.cli.waiting import await_certificate, request_of
from chancery_client.models import CertificateDetail

_SERVERS_FAULT = 500
_TOO_MANY = 429


@dataclass(frozen=True)
class Wish:
    """What is wished of a renewal of files.

    Attributes:
        within: not before so little time is left; at once where it is None.
        key_type: of the new key; that of the old one where it is None.
        same_key: for the key that there is.
        patience: how long an approval is waited for.
        arguments: for the server, as they are.
    """

    within: timedelta | None
    key_type: str | None
    same_key: bool
    patience: timedelta
    arguments: dict[str, Any]


def renew_files(client: ChanceryClient, place: Place, wish: Wish, *, now: datetime) -> AnyCertificate | None:
    """The successor, which stands in the files now; None where a replacement that a crash had interrupted was ended.

    To be called with the place locked.

    Raises:
        NothingToDo: there is time left.
        Failure: it waits for an approval, was refused, or is for another key; the files are as they were.
        WrongUsage: the files do not belong together.
    """
    if place.end_interrupted():
        return None
    certificate, *others = keys.read_certificates(
        read_file(place.certificate, what="The certificate"), place=str(place.certificate)
    )
    key = keys.read_key(read_file(place.key, what="The key"), place=str(place.key))
    if not keys.belong_together(certificate, key):
        raise WrongUsage(f"The key in {place.key} is not that of the certificate in {place.certificate}.")
    require_due(str(place.certificate), certificate.not_valid_after_utc, wish.within, now=now)
    known = find_in_file(client, place.certificate)
    found = _waited_for(client, place, wish) or _issued_already(client, place, known, key, wish)
    successor = found or _asked_for(client, place, known, key, wish)
    written = chained(client, successor)
    leaf = keys.read_certificates(written, place="the answer")[0]
    _require_key(place, leaf, key)
    # A file that held the certificate alone goes on doing so.
    place.put(written if others else keys.to_pem(leaf))
    return successor


def _require_key(place: Place, leaf: x509.Certificate, key: keys.PrivateKey) -> None:
    """Whatever happened before: what is put in place is a certificate and its key. Raises Failure: that is not here."""
    staged = place.read_staged_key()
    if staged and keys.belong_together(leaf, staged):
        return
    if not keys.belong_together(leaf, key):
        place.discard_staged()
        raise Failure(
            f"The certificate that was issued is not for the key in {place.key}; the files are as they were.",
            hint="Another one is asked for with: chancery renew --again",
        )
    place.staged_key.unlink(missing_ok=True)


def require_due(what: str, ends: datetime, within: timedelta | None, *, now: datetime) -> None:
    """Raises NothingToDo where more time is left."""
    if within is not None and ends - now > within:
        raise NothingToDo(
            f"Nothing to do: {what} is good until {moment(ends)}, and due from {moment(ends - within)} on."
        )


def _waited_for(client: ChanceryClient, place: Place, wish: Wish) -> CertificateDetail | None:
    """What came of a request that an earlier run has filed; None where there is none."""
    request_id = place.recall().get("request")
    if not request_id or not (wish.same_key or place.read_staged_key()):
        return None
    try:
        return await_certificate(client, str(request_id), patience=wish.patience)
    except NotFound:
        place.discard_staged()
        return None
    except Failure as failure:
        if failure.code is not ExitCode.WAITING:
            place.discard_staged()
        raise


def _issued_already(
    client: ChanceryClient, place: Place, known: CertificateDetail, key: keys.PrivateKey, wish: Wish
) -> CertificateDetail | None:
    """A successor for the key in hand, or for the one that an earlier run has made and got no answer for."""
    staged = place.read_staged_key()
    for successor_id in known.replaced_by_ids if not wish.arguments.get("again") or staged else []:
        found = client.certificates.get(successor_id)
        leaf = keys.read_certificates(found.certificate.encode("ascii"), place="the answer")[0]
        if found.status != "issued":
            continue
        if staged and keys.belong_together(leaf, staged):
            return found
        if keys.belong_together(leaf, key) and not wish.arguments.get("again"):
            place.discard_staged()
            return found
    return None


def _asked_for(
    client: ChanceryClient, place: Place, known: CertificateDetail, key: keys.PrivateKey, wish: Wish
) -> AnyCertificate:
    own = key if wish.same_key else _new_key(place, known, wish)
    csr = keys.make_csr(own, x509.Name([]))
    try:
        return client.certificates.renew(known.id, csr=csr, **wish.arguments)
    except NotYetIssued as filed:
        request_id = request_of(filed)
        place.remember(request=request_id)
        waited = _waited_for(client, place, wish)
        if waited is None:
            raise Failure(f"Request {request_id} is gone.") from None
        return waited
    except ApiError as error:
        # After a failure of the server the key may have its certificate: the next run looks for it.
        if error.status < _SERVERS_FAULT and error.status != _TOO_MANY:
            place.discard_staged()
        raise


def _new_key(place: Place, known: CertificateDetail, wish: Wish) -> keys.PrivateKey:
    """The one that an earlier run has made, else a new one, which is written down before anybody hears of it."""
    wanted = wish.key_type or keys.off_the_wire(known.key_algorithm)
    staged = place.read_staged_key()
    if staged and keys.type_of(staged) == wanted:
        return staged
    made = keys.make_key(wanted)
    place.stage_key(made)
    return made


def run_afterwards(command: str, place: Place) -> None:
    """The user's own command, by his shell. Raises Failure: it has failed; the next run tries it again."""
    environment = {name: value for name, value in os.environ.items() if name != "CHANCERY_API_KEY"}
    environment |= {"CHANCERY_CERTIFICATE_FILE": str(place.certificate), "CHANCERY_KEY_FILE": str(place.key)}
    ended = subprocess.run(command, shell=True, env=environment, check=False)  # noqa: S602 (whose words these are)
    if ended.returncode:
        raise Failure(
            f"{place.certificate} was renewed, but the command '{command}' ended with status {ended.returncode}.",
            hint="The next renewal of this file runs it again, also where there is nothing to renew.",
        )
    place.state.unlink(missing_ok=True)
