"""Revoke a certificate, or put it on hold."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts.console import OrganizationCommand
from cas.core.reasons import parse_reason
from certificates.orders import RevokeOrder
from certificates.services.revocation import release_certificate, revoke_certificate
from kernel.ref import Ref


class Command(OrganizationCommand):
    help = "Revoke a certificate by its serial number, put it on hold, or release it."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("serial", help="hexadecimal, with or without colons")
        parser.add_argument(
            "--reason", default="unspecified", help="RFC 5280, such as keyCompromise or certificateHold"
        )
        parser.add_argument("--comment", default="")
        parser.add_argument("--release", action="store_true", help="lift a hold")

    def handle(self, *args: Any, **options: Any) -> None:
        ref = Ref("serial", options["serial"].replace(":", "").lower().removeprefix("0x").lstrip("0"))
        if options["release"]:
            row = release_certificate(actor=self.here, certificate=ref)
        else:
            order = RevokeOrder(certificate=ref, reason=parse_reason(options["reason"]), comment=options["comment"])
            row = revoke_certificate(actor=self.here, order=order)
        self.stdout.write(f"Certificate {row.serial} ({row}) is {row.state}")
