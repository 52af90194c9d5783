"""The CA of an `openssl ca` or easy-rsa folder moves in, with all that it has issued and revoked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.console import OrganizationCommand, read_secret_file
from certificates.moving.console import add_moving_arguments, existing, password, tell
from certificates.moving.openssl_ca import FolderOrder, read_folder
from certificates.services.moving import move_authority, rehearse_moves
from kernel.ref import Ref


class Command(OrganizationCommand):
    help = "Import the CA of an `openssl ca` or easy-rsa folder: key, certificates, revocations, CRL number."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_moving_arguments(parser)
        parser.add_argument("name", help="what the CA is to be called here")
        parser.add_argument("folder", help="where index.txt is (easy-rsa: its pki folder)")
        parser.add_argument("--certificate", metavar="FILE", help="the CA's certificate, where it has another name")
        parser.add_argument("--key", metavar="FILE", help="the CA's key, where it has another name")
        parser.add_argument("--crl", metavar="FILE", help="its last CRL, where it has another name")
        parser.add_argument("--chain", metavar="FILE", help="the CAs above it, PEM; not needed if they are here")
        parser.add_argument("--password-file", help="with the password of the CA's key")
        parser.add_argument("--ask-password", action="store_true", help="ask for the password of the CA's key")
        parser.add_argument("--passphrase-file", help="lock the key here with the passphrase in this file")
        parser.add_argument(
            "--public-path", action="append", default=[], metavar="PATH", help="an old address, as /crl/old.crl"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folder = Path(options["folder"])
        if not folder.is_dir():
            raise CommandError(f"{folder} is no folder.")
        order = read_folder(
            FolderOrder(
                folder=folder,
                organization=Ref("pk", self.organization.pk),
                name=options["name"],
                certificate=existing(options["certificate"]),
                key=existing(options["key"]),
                crl=existing(options["crl"]),
                chain=existing(options["chain"]),
                password=password(options["password_file"], ask=options["ask_password"]),
                passphrase=read_secret_file(options["passphrase_file"]),
                base_url=options["base_url"],
                public_paths=tuple(options["public_path"]),
                with_keys=options["with_keys"],
            )
        )
        if options["dry_run"]:
            (outcome,) = rehearse_moves(actor=self.here, orders=[order])
            tell(outcome, self.stdout.write, order.authority.name)
            self.stdout.write("Nothing was kept: this was a dry run.")
            return
        tell(move_authority(actor=self.here, order=order), self.stdout.write, order.authority.name)
