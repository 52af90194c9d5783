"""What the verbs of `manage.py ca` do: files in, one service call, a line out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.core.management.base import CommandError

from accounts.console import read_duration, read_secret_file, require_new_files, write_new_file
from accounts.models import Organization
from cas import selectors
from cas.chains import chain_of, chains_of
from cas.core.csr import read_csr
from cas.core.formats import to_pem
from cas.core.general_names import constraint_name
from cas.core.keys import KeyAlgorithm
from cas.core.names import parse_name
from cas.core.reasons import parse_reason
from cas.models import CaCertificate, CertificateAuthority
from cas.orders import (
    INTERMEDIATE_LIFETIME,
    AuthorityImportOrder,
    AuthorityRequestOrder,
    CrossOrder,
    ForeignAuthorityOrder,
    PendingAuthorityOrder,
    SuccessorOrder,
    TokenKeyName,
)
from cas.services import ca_certificates, foreign, pending, successors
from certificates.services import authorities, intents
from certificates.services.ca_certificates import revoke_ca_certificate
from kernel.actor import Actor
from kernel.ref import Ref
from kernel.secret import Secret

Options = Mapping[str, Any]


@dataclass(frozen=True)
class Desk:
    """Who is at the console, for which organization, and how they are answered."""

    actor: Actor
    organization: Organization
    say: Callable[[str], object]

    @property
    def home(self) -> Ref:
        return Ref("pk", self.organization.pk)

    def ca(self, name: str) -> CertificateAuthority:
        return selectors.get_ca(Ref("name", name), visible_to=self.actor)


def request(desk: Desk, options: Options) -> None:
    require_new_files(options["out"])
    passphrase = read_secret_file(options["passphrase_file"])
    order = PendingAuthorityOrder(
        organization=desk.home,
        name=options["name"],
        subject=_subject(options) or x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, options["name"])]),
        key_algorithm=KeyAlgorithm(options["key_algorithm"] or KeyAlgorithm.ECDSA_P256),
        key_backend=options["key_backend"] or "sealed",
        token_key=TokenKeyName(label=options["token_key"]) if options["token_key"] else None,
        passphrase=passphrase,
        base_url=options["base_url"],
    )
    ca = pending.create_pending_authority(actor=desk.actor, order=order)
    _write_csr(desk, ca, passphrase, options["out"])


def csr(desk: Desk, options: Options) -> None:
    require_new_files(options["out"])
    _write_csr(desk, desk.ca(options["name"]), read_secret_file(options["passphrase_file"]), options["out"])


def complete(desk: Desk, options: Options) -> None:
    ca = authorities.complete_authority(
        actor=desk.actor,
        ca=desk.ca(options["name"]),
        certificates=_read(options["file"]),
        passphrase=read_secret_file(options["passphrase_file"]),
    )
    desk.say(f"{ca.name} is in service, under {ca.parent or 'itself'}")


def cancel(desk: Desk, options: Options) -> None:
    pending.cancel_authority(actor=desk.actor, ca=desk.ca(options["name"]))
    desk.say(f"{options['name']} is given up; its key is destroyed, and its name is free")


def sign(desk: Desk, options: Options) -> None:
    require_new_files(options["out"])
    order = AuthorityRequestOrder(
        parent=Ref("name", options["parent"]),
        name=options["name"],
        csr=read_csr(_read(options["file"])),
        validity=_duration(options) or INTERMEDIATE_LIFETIME,
        parent_passphrase=read_secret_file(options["passphrase_file"]),
        **_limits(options),
    )
    ca = foreign.sign_authority_request(actor=desk.actor, order=order)
    if options["out"]:
        write_new_file(options["out"], to_pem(*chain_of(ca).certificates).encode())
    desk.say(f"{ca.name} is certified: {ca.subject}")


def import_(desk: Desk, options: Options) -> None:
    order = AuthorityImportOrder(
        organization=desk.home,
        name=options["name"],
        key_file=Secret(_read(options["file"])),
        password=read_secret_file(options["password_file"]),
        certificates=_read(options["certificates"]) if options["certificates"] else b"",
        passphrase=read_secret_file(options["passphrase_file"]),
        last_crl=_read(options["last_crl"]) if options["last_crl"] else b"",
        last_crl_number=options["last_crl_number"],
        public_paths=tuple(options["public_path"]),
        base_url=options["base_url"],
    )
    ca = authorities.import_authority(actor=desk.actor, order=order)
    desk.say(f"{ca.name} has moved in: {ca.subject}")


def add(desk: Desk, options: Options) -> None:
    order = ForeignAuthorityOrder(organization=desk.home, certificates=_read(options["file"]), name=options["name"])
    ca = foreign.add_foreign_authority(actor=desk.actor, order=order)
    desk.say(f"{ca.name} is known: {ca.subject}")


def cross(desk: Desk, options: Options) -> None:
    order = CrossOrder(
        ca=Ref("name", options["name"]),
        issuer=Ref("name", options["issuer"]),
        validity=_duration(options),
        issuer_passphrase=read_secret_file(options["passphrase_file"]),
        **_limits(options),
    )
    _show(desk, ca_certificates.cross_certify(actor=desk.actor, order=order))


def renew(desk: Desk, options: Options) -> None:
    ca, passphrase = desk.ca(options["name"]), read_secret_file(options["passphrase_file"])
    if options["certificate"]:
        made = _read(options["certificate"])
        row = pending.add_authority_certificate(actor=desk.actor, ca=ca, certificates=made)
    else:
        row = ca_certificates.renew_authority(
            actor=desk.actor, ca=ca, validity=_duration(options), issuer_passphrase=passphrase
        )
    _show(desk, row)


def prefer(desk: Desk, options: Options) -> None:
    fingerprint = _fingerprint(options)
    _show(
        desk,
        ca_certificates.prefer_certificate(actor=desk.actor, ca=desk.ca(options["name"]), fingerprint=fingerprint),
    )


def revoke(desk: Desk, options: Options) -> None:
    row = revoke_ca_certificate(
        actor=desk.actor,
        ca=desk.ca(options["name"]),
        fingerprint=_fingerprint(options),
        reason=parse_reason(options["reason"]),
        comment=options["comment"],
    )
    desk.say(f"Certificate {row.serial} of {row.ca.name} is revoked")


def succeed(desk: Desk, options: Options) -> None:
    algorithm = options["key_algorithm"]
    order = SuccessorOrder(
        name=options["successor"],
        subject=_subject(options),
        key_algorithm=KeyAlgorithm(algorithm) if algorithm else None,
        key_backend=options["key_backend"],
        validity=_duration(options),
        passphrase=read_secret_file(options["passphrase_file"]),
        parent_passphrase=read_secret_file(options["parent_passphrase_file"]),
    )
    ca = authorities.establish_successor(actor=desk.actor, ca=desk.ca(options["name"]), order=order)
    desk.say(f"{ca.name} goes on where {options['name']} ends; it is {ca.status}")


def move_templates(desk: Desk, options: Options) -> None:
    source, target = desk.ca(options["name"]), desk.ca(options["successor"])
    moved = successors.move_templates(actor=desk.actor, source=source, target=target)
    desk.say(f"{len(moved)} templates issue under {target.name} now")


def abandon(desk: Desk, options: Options) -> None:
    serials = intents.abandon_intents(actor=desk.actor, ca=desk.ca(options["name"]))
    desk.say("\n".join([*serials, f"{len(serials)} serial numbers are revoked"]))


def chains(desk: Desk, options: Options) -> None:
    for chain in chains_of(desk.ca(options["name"])):
        desk.say(" > ".join(ca.name for ca in chain.authorities))
    for row in selectors.ca_certificates(desk.ca(options["name"])):
        _show(desk, row)


def list_(desk: Desk, options: Options) -> None:
    for ca in selectors.authorities(visible_to=desk.actor):
        where = ca.key.backend if ca.key else "no key here"
        desk.say(f"{ca.name}: {ca.status}, {where}, {ca.subject}")


VERBS: Final[Mapping[str, Callable[[Desk, Options], None]]] = {
    "request": request,
    "csr": csr,
    "complete": complete,
    "cancel": cancel,
    "sign": sign,
    "import": import_,
    "add": add,
    "cross": cross,
    "renew": renew,
    "prefer": prefer,
    "revoke": revoke,
    "succeed": succeed,
    "move-templates": move_templates,
    "abandon": abandon,
    "chains": chains,
    "list": list_,
}


def _write_csr(desk: Desk, ca: CertificateAuthority, passphrase: Secret | None, path: str) -> None:
    made = pending.sign_authority_csr(actor=desk.actor, ca=ca, passphrase=passphrase)
    write_new_file(path, made.public_bytes(Encoding.PEM))
    desk.say(f"The CSR of {ca.name} is in {path}")


def _show(desk: Desk, row: CaCertificate) -> None:
    marks = ", ".join([row.kind, *(["preferred"] if row.preferred else []), *(["revoked"] if row.revoked_at else [])])
    issuer = row.issuer.name if row.issuer else "?"
    desk.say(f"{row.fingerprint} ({marks}) by {issuer}, until {row.not_after:%Y-%m-%d}")


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error


def _subject(options: Options) -> x509.Name | None:
    return parse_name(options["subject"]) if options["subject"] else None


def _duration(options: Options) -> timedelta | None:
    return read_duration(options["validity"]) if options["validity"] else None


def _fingerprint(options: Options) -> str:
    return str(options["fingerprint"]).replace(":", "").lower()


def _limits(options: Options) -> dict[str, Any]:
    return {
        "path_length": options["path_length"],
        "permitted_names": tuple(constraint_name(text) for text in options["permit"]),
        "excluded_names": tuple(constraint_name(text, field="excluded") for text in options["exclude"]),
    }
