"""A new template: the recipe that certificates are issued by."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts.console import OrganizationCommand, read_duration
from cas.models import ALGORITHMS
from cas.orders import TemplateOrder
from cas.services.templates import create_template
from kernel.ref import Ref


class Command(OrganizationCommand):
    help = "Create a template."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("code", help="the name that orders use, such as web-tls")
        parser.add_argument("--name", help="what people call it; the code where none is given")
        parser.add_argument("--ca", required=True, metavar="NAME")
        parser.add_argument("--role", required=True, metavar="NAME")
        parser.add_argument("--key-algorithm", default="ECDSA_P256", choices=[value for value, _label in ALGORITHMS])
        parser.add_argument("--any-key-algorithm", action="store_true", help="a CSR may bring another kind of key")
        parser.add_argument("--validity", default="90d", metavar="DURATION")
        parser.add_argument(
            "--key-usage", action="append", metavar="NAME", help="digital_signature where none is given"
        )
        parser.add_argument(
            "--extended-key-usage", action="append", metavar="NAME", help="server_auth where none is given"
        )
        parser.add_argument("--lint", default="block", choices=["block", "off"])

    def handle(self, *args: Any, **options: Any) -> None:
        order = TemplateOrder(
            ca=Ref("name", options["ca"]),
            role=Ref("name", options["role"]),
            name=options["name"] or options["code"],
            code=options["code"],
            key_algorithm=options["key_algorithm"],
            any_key_algorithm=options["any_key_algorithm"],
            validity=read_duration(options["validity"]),
            key_usage=tuple(options["key_usage"] or ["digital_signature"]),
            extended_key_usage=tuple(options["extended_key_usage"] or ["server_auth"]),
            lint=options["lint"],
        )
        template = create_template(actor=self.here, order=order)
        self.stdout.write(f"Template {template.code} under {template.ca.name}, role {template.role.name}")
