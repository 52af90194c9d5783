"""Issue a certificate, from a CSR or with a key that is made here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography import x509
from django.core.management.base import CommandError, CommandParser

from accounts.console import OrganizationCommand, read_duration, read_secret_file, require_new_files, write_new_file
from cas.core.csr import CsrFacts, read_csr
from cas.core.formats import to_pem
from cas.core.general_names import general_name
from cas.core.names import name_from_mapping, parse_name
from certificates.bundles import Format, bundle_with_key
from certificates.orders import IssueOrder, Managed
from certificates.services.issuance import issue_at_once
from certificates.services.minting import Issued


class Command(OrganizationCommand):
    help = "Issue a certificate. Without --csr the key is made here and written to --key-out."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("template", help="the code of the template")
        parser.add_argument("--common-name")
        parser.add_argument("--subject", help="RFC 4514, in place of --common-name")
        parser.add_argument("--san", action="append", default=[], dest="sans", metavar="NAME")
        parser.add_argument("--csr", metavar="FILE")
        parser.add_argument("--validity", metavar="DURATION")
        parser.add_argument(
            "--out", required=True, metavar="FILE", help="the certificate and its chain (PEM), a new file"
        )
        parser.add_argument(
            "--key-out", metavar="FILE", help="the private key (PEM), a new file that only you can read"
        )
        parser.add_argument("--passphrase-file", help="where the CA's key is locked")

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["csr"]) == bool(options["key_out"]):
            raise CommandError("Give either --csr, or --key-out for a key that is made here.")
        require_new_files(options["out"], options["key_out"])
        order = IssueOrder(
            template=options["template"],
            key=_read_csr(options["csr"]) if options["csr"] else Managed(),
            subject=_subject(options),
            sans=tuple(general_name(text) for text in options["sans"]) or (None if options["csr"] else ()),
            validity=read_duration(options["validity"]) if options["validity"] else None,
            passphrase=read_secret_file(options["passphrase_file"]),
        )
        issued = issue_at_once(actor=self.here, order=order)
        if options["key_out"]:
            write_new_file(options["key_out"], _key(issued), private=True)
        write_new_file(options["out"], to_pem(issued.x509, *issued.chain).encode())
        row = issued.certificate
        self.stdout.write(f"Certificate {row.serial} ({row.public_id}), good until {row.not_after.isoformat()}")


def _read_csr(path: str) -> CsrFacts:
    try:
        return read_csr(Path(path).read_bytes())
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error


def _subject(options: dict[str, Any]) -> x509.Name | None:
    if options["subject"]:
        return parse_name(options["subject"])
    if options["common_name"]:
        return name_from_mapping({"common_name": options["common_name"]})
    return None


def _key(issued: Issued) -> bytes:
    if issued.private_key is None:
        raise CommandError("The private key is kept sealed; collect it through the API or the pages.")
    return bundle_with_key(issued.x509, issued.chain, issued.private_key, Format.PEM, name="key").content
