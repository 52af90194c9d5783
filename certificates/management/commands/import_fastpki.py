"""Everything that a FastPKI server holds moves in: organizations, people, CAs, certificates, revocations."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from accounts.console import ConsoleCommand, console_actor, read_secret_file
from accounts.models import Membership, Organization, User
from accounts.roles import OrganizationRole
from accounts.selectors import find_user, get_organization
from accounts.services.organizations import add_member, change_member_role, create_organization
from accounts.services.people import create_user
from accounts.services.person_accounts import admit_person
from cas.orders import Dialect
from cas.services.standing import enable_dialect
from certificates.moving.console import add_moving_arguments, tell
from certificates.moving.fastpki import FastPkiTerms, authorities_in_order, is_owner, moving_order, permissions_of
from certificates.moving.fastpki_rows import FastPkiRows, Row, read_rows
from certificates.moving.orders import Moved, MovingOrder
from certificates.services.moving import move_authority, rehearse_moves
from kernel.actor import Actor
from kernel.errors import DomainError
from kernel.ref import Ref
from kernel.secret import Secret


class Command(ConsoleCommand):
    help = "Import a FastPKI database: organizations, people (without passwords), CAs, certificates, revocations."

    def add_arguments(self, parser: CommandParser) -> None:
        add_moving_arguments(parser)
        parser.add_argument("database", help="its SQLite file, or its PostgreSQL URL")
        parser.add_argument("--encryption-key-file", help="with its PRIVATE_KEY_ENCRYPTION_KEY")
        parser.add_argument("--organization", metavar="SLUG", help="where CAs go that belong to no organization there")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = read_rows(options["database"])
        key = read_secret_file(options["encryption_key_file"])
        terms = FastPkiTerms(key=key, base_url=options["base_url"], with_keys=options["with_keys"])
        with transaction.atomic():
            homes = self._organizations(rows, options["organization"])
            self._people(rows, homes)
            orders = list(self._orders(rows, homes, terms))
            if options["dry_run"]:
                outcomes = rehearse_moves(actor=self.actor, orders=orders)
                transaction.set_rollback(True)
        if not options["dry_run"]:
            outcomes = [self._move(order) for order in orders]
        for order, outcome in zip(orders, outcomes, strict=True):
            tell(outcome, self.stdout.write, order.authority.name)
        if options["dry_run"]:
            self.stdout.write("Nothing was kept: this was a dry run.")

    def _move(self, order: MovingOrder) -> Moved | DomainError:
        """One that is refused keeps none of the others from coming. A new one answers its clients as before."""
        try:
            moved = move_authority(actor=self.actor, order=order)
            if moved.is_new and order.authority.allow_leaf_certificates:
                enable_dialect(actor=self.actor, ca=moved.ca, dialect=Dialect.FASTPKI)
        except DomainError as error:
            return error
        return moved

    def _orders(
        self, rows: FastPkiRows, homes: dict[object, Organization], terms: FastPkiTerms
    ) -> Iterator[MovingOrder]:
        for row in authorities_in_order(rows.authorities):
            home = homes.get(row["organization_id"])
            if home is None:
                self.stdout.write(f"{row['name']}: left out, in no organization; name one with --organization")
            else:
                yield moving_order(row, rows, Ref("pk", home.pk), terms)

    def _organizations(self, rows: FastPkiRows, slug: str | None) -> dict[object, Organization]:
        homes: dict[object, Organization] = {}
        if slug:
            homes[None] = get_organization(Ref("slug", slug), visible_to=self.actor)
        for row in rows.organizations:
            here = Organization.objects.filter(name=row["name"]).first()
            description = str(row.get("description") or "")
            homes[row["id"]] = here or create_organization(actor=self.actor, name=row["name"], description=description)
            self.stdout.write(f"Organization {row['name']}{' (was here already)' if here else ''}")
        return homes

    def _people(self, rows: FastPkiRows, homes: dict[object, Organization]) -> None:
        for row in rows.users:
            if not row["is_active"]:
                self.stdout.write(f"  left out: {row['username']}: the account is not active")
                continue
            try:
                with transaction.atomic():
                    self._person(row, homes)
            except DomainError as error:
                self.stdout.write(f"  left out: {row['username']}: {error}")

    def _person(self, row: Row, homes: dict[object, Organization]) -> None:
        """Nobody becomes a superuser here by having been one elsewhere, and nobody brings a password: there is one that
        nobody knows, which the link in the mailbox replaces.
        """
        user = find_user(row["email"])
        if user is None:
            unknown = Secret(secrets.token_urlsafe(48))
            user = create_user(actor=self.actor, email=row["email"], password=unknown, username=row["username"])
        home = homes.get(row["organization_id"])
        if home is None:
            self.stdout.write(f"  {row['username']} has an account, and belongs nowhere yet")
        elif not Membership.objects.filter(user=user, organization=home).exists():
            membership = _admit(console_actor(home), home, user, row)
            self.stdout.write(f"  {row['username']} is {membership.role} of {home.name}")


def _admit(actor: Actor, home: Organization, user: User, row: Row) -> Membership:
    """Whoever was an admin is an owner; everybody else sees what is there, and may do what they could."""
    if is_owner(row):
        return add_member(actor=actor, organization=home, user=user, role=OrganizationRole.OWNER)
    membership = admit_person(actor=actor, organization=home, user=user)
    allowed = permissions_of(row)
    if not allowed:
        return membership
    return change_member_role(actor=actor, membership=membership, role=membership.role, capabilities=allowed)
