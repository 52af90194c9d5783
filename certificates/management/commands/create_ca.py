"""A new root or intermediate CA, in service at once."""

from __future__ import annotations

from typing import Any

from cryptography import x509
from django.core.management.base import CommandParser

from accounts.console import OrganizationCommand, read_duration, read_secret_file, require_new_files, write_new_file
from cas.chains import chain_of
from cas.core.formats import to_pem
from cas.core.general_names import constraint_name
from cas.core.keys import KeyAlgorithm
from cas.core.names import parse_name
from cas.orders import AuthorityOrder
from certificates.services.authorities import establish_authority
from kernel.ref import Ref


class Command(OrganizationCommand):
    help = "Create a root CA, or an intermediate CA under --parent."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("name")
        parser.add_argument("--subject", help="RFC 4514, such as 'CN=Acme Root,O=Acme'; CN=<name> where none is given")
        parser.add_argument("--parent", metavar="NAME", help="the CA that signs it; a root without it")
        parser.add_argument("--key-algorithm", default="ECDSA_P256", choices=list(KeyAlgorithm))
        parser.add_argument("--validity", metavar="DURATION", help="10y for a root, 5y below one")
        parser.add_argument("--path-length", type=int, help="how many CAs may stand below it")
        parser.add_argument(
            "--permit", action="append", default=[], metavar="NAME", help="a permitted name, such as dns:acme.com"
        )
        parser.add_argument("--exclude", action="append", default=[], metavar="NAME", help="an excluded name")
        parser.add_argument("--passphrase-file", help="lock its key with the passphrase in this file")
        parser.add_argument("--parent-passphrase-file", help="where the parent's key is locked")
        parser.add_argument("--base-url", help="where its CRL, OCSP and certificate are found")
        parser.add_argument("--out", metavar="FILE", help="write its chain (PEM) to a new file")

    def handle(self, *args: Any, **options: Any) -> None:
        require_new_files(options["out"])
        order = AuthorityOrder(
            organization=Ref("pk", self.organization.pk),
            name=options["name"],
            subject=_subject(options),
            key_algorithm=KeyAlgorithm(options["key_algorithm"]),
            validity=read_duration(options["validity"]) if options["validity"] else None,
            parent=Ref("name", options["parent"]) if options["parent"] else None,
            path_length=options["path_length"],
            permitted_names=tuple(constraint_name(text) for text in options["permit"]),
            excluded_names=tuple(constraint_name(text, field="excluded") for text in options["exclude"]),
            passphrase=read_secret_file(options["passphrase_file"]),
            parent_passphrase=read_secret_file(options["parent_passphrase_file"]),
            base_url=options["base_url"],
        )
        ca = establish_authority(actor=self.here, order=order)
        if options["out"]:
            write_new_file(options["out"], to_pem(*chain_of(ca).certificates).encode())
        self.stdout.write(f"CA {ca.name} ({ca.public_id}), {ca.subject}")


def _subject(options: dict[str, Any]) -> x509.Name:
    if options["subject"]:
        return parse_name(options["subject"])
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, options["name"])])
