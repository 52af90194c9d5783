"""A new organization, with its first owner."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.console import ConsoleCommand
from accounts.selectors import find_user
from accounts.services.organizations import create_organization


class Command(ConsoleCommand):
    help = "Create an organization."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--slug", default="", help="its short name; made from the name where none is given")
        parser.add_argument("--owner", metavar="EMAIL", help="an existing user who becomes its owner")

    def handle(self, *args: Any, **options: Any) -> None:
        owner = find_user(options["owner"]) if options["owner"] else None
        if options["owner"] and owner is None:
            raise CommandError(f"There is no user {options['owner']}.")
        organization = create_organization(actor=self.actor, name=options["name"], slug=options["slug"], owner=owner)
        self.stdout.write(f"Organization {organization.slug} ({organization.public_id})")
