"""A new API key. The token is printed once and stands nowhere else."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from accounts.console import OrganizationCommand, read_duration
from accounts.roles import ORGANIZATION_PERMISSIONS
from accounts.selectors import find_user
from accounts.services.api_keys import create_api_key
from accounts.services.people import actor_for_user
from kernel.permissions import Permission


class Command(OrganizationCommand):
    help = "Create an API key; the token goes to standard output, what is said about it to standard error."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("name")
        parser.add_argument("--owner", required=True, metavar="EMAIL", help="the person who answers for it")
        parser.add_argument(
            "--permission",
            action="append",
            metavar="NAME",
            dest="permissions",
            help=f"may be given several times; known are {', '.join(sorted(ORGANIZATION_PERMISSIONS))}",
        )
        parser.add_argument(
            "--all-permissions", action="store_true", help="everything that its owner may do, but decide on requests"
        )
        parser.add_argument("--expires-in", metavar="DURATION", help="such as 90d")
        parser.add_argument("--allow-from", action="append", default=[], metavar="CIDR", help="an address range")

    def handle(self, *args: Any, **options: Any) -> None:
        owner = find_user(options["owner"])
        if owner is None:
            raise CommandError(f"There is no user {options['owner']}.")
        permissions = options["permissions"] or []
        if options["all_permissions"]:
            rights = actor_for_user(owner, organization=self.organization).permissions
            permissions = sorted(rights - {Permission.REQUESTS_DECIDE})
        lifetime = read_duration(options["expires_in"]) if options["expires_in"] else None
        made = create_api_key(
            actor=self.here,
            organization=self.organization,
            owner=owner,
            name=options["name"],
            permissions=permissions,
            expires_at=timezone.now() + lifetime if lifetime else None,
            allowed_cidrs=options["allow_from"],
        )
        self.stderr.write(f"API key {made.row.name} of {owner.email} in {self.organization.slug}; shown this once:")
        self.stdout.write(made.token.reveal().decode())
