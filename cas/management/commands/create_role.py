"""A new role: the guard rails of issuance under one CA."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts.console import OrganizationCommand, read_duration
from cas.orders import RoleOrder
from cas.services.roles import create_role
from kernel.ref import Ref


class Command(OrganizationCommand):
    help = "Create a role."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("name")
        parser.add_argument("--ca", required=True, metavar="NAME")
        parser.add_argument("--max-ttl", default="397d", metavar="DURATION", help="the longest validity (397d)")
        parser.add_argument(
            "--domain", action="append", default=[], dest="domains", help="an allowed domain; several may be given"
        )
        parser.add_argument("--any-name", action="store_true", help="allow every name")
        for flag in ("subdomains", "wildcards", "ip-sans", "email-sans", "uri-sans"):
            parser.add_argument(f"--allow-{flag}", action="store_true")
        parser.add_argument("--key-algorithm", action="append", default=[], dest="key_algorithms", metavar="NAME")
        parser.add_argument("--store-private-keys", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        order = RoleOrder(
            ca=Ref("name", options["ca"]),
            name=options["name"],
            max_ttl=read_duration(options["max_ttl"]),
            allowed_domains=tuple(options["domains"]),
            allow_any_name=options["any_name"],
            allow_subdomains=options["allow_subdomains"],
            allow_wildcards=options["allow_wildcards"],
            allow_ip_sans=options["allow_ip_sans"],
            allow_email_sans=options["allow_email_sans"],
            allow_uri_sans=options["allow_uri_sans"],
            key_algorithms=tuple(options["key_algorithms"]),
            store_private_keys=options["store_private_keys"],
        )
        role = create_role(actor=self.here, order=order)
        self.stdout.write(f"Role {role.name} under {role.ca.name}")
