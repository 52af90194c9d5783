"""Publish the CRLs of CAs: those that are due, or those of one CA now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts.console import ConsoleCommand, read_secret_file
from cas.selectors import get_ca
from certificates.services import sweeps
from certificates.services.authorities import publish_everything
from kernel.ref import Ref


class Command(ConsoleCommand):
    help = "Publish every CRL that is due, and renew responders that end soon; with --ca everything of one CA, now."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--ca", metavar="SLUG")
        parser.add_argument("--passphrase-file", help="where the CA's key is locked")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["ca"] is None:
            published, rotated = sweeps.publish_due_crls(), sweeps.rotate_responders()
            self.stdout.write(f"{published} CRLs published, {rotated} responders renewed")
            return
        ca = get_ca(Ref("slug", options["ca"]), visible_to=self.actor)
        publish_everything(actor=self.actor, ca=ca, passphrase=read_secret_file(options["passphrase_file"]))
        self.stdout.write(f"CRL and responder of {ca.name} published")
