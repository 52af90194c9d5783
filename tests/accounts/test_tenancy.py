"""Tenancy in the database itself: a row cannot name what belongs to another organization."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import IntegrityError, connection, models, transaction

from accounts.constraints import SameOrganization
from cas.models import CertificateAuthority, Role
from tests.office import open_office

GUARDS = [
    (model, guard)
    for model in apps.get_models()
    for guard in model._meta.constraints
    if isinstance(guard, SameOrganization)
]


def _tenant_rows(model: type[models.Model]) -> set[str]:
    """The foreign keys of a tenant's row that lead to another tenant's kind of row."""
    if not any(field.name == "organization" for field in model._meta.fields):
        return set()
    return {
        field.name
        for field in model._meta.fields
        if isinstance(field, models.ForeignKey)
        and field.name != "organization"
        and any(other.name == "organization" for other in field.remote_field.model._meta.fields)
    }


# A key has exactly one CA, and a profile is reached through its template, whose own organization is guarded.
UNGUARDED = {
    # One that registered itself is nobody's, and acts wherever a person lets it.
    ("OAuthConsent", "client"),
    ("CertificateAuthority", "key"),
    ("Template", "profile"),
    ("Certificate", "profile"),
    ("Request", "profile"),
}


@pytest.mark.parametrize("model", apps.get_models(), ids=lambda model: model.__name__)
def test_every_reference_between_rows_of_tenants_is_guarded(model):
    guarded = {guard.field for owner, guard in GUARDS if owner is model}
    expected = {name for name in _tenant_rows(model) if (model.__name__, name) not in UNGUARDED}
    assert guarded == expected


@pytest.mark.django_db
@pytest.mark.parametrize(("model", "guard"), GUARDS, ids=lambda part: getattr(part, "name", ""))
def test_the_guard_stands_in_the_database(model, guard):
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, model._meta.db_table)
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("SELECT sql FROM sqlite_master WHERE name = %s", [model._meta.db_table])
            assert f'CONSTRAINT "{guard.name}" FOREIGN KEY' in cursor.fetchone()[0]
    else:
        assert found[guard.name]["foreign_key"]


@pytest.mark.django_db(transaction=True)
def test_a_role_cannot_be_moved_under_the_ca_of_another_organization():
    acme, umbrella = open_office("ACME"), open_office("Umbrella")
    with pytest.raises(IntegrityError), transaction.atomic():
        Role.objects.filter(pk=acme.role.pk).update(ca=umbrella.issuing)
    with pytest.raises(IntegrityError), transaction.atomic():
        Role.objects.filter(pk=acme.role.pk).update(organization=umbrella.organization)
    with pytest.raises(IntegrityError), transaction.atomic():
        CertificateAuthority.objects.filter(pk=acme.issuing.pk).update(parent=umbrella.root)


@pytest.mark.django_db
def test_models_and_migrations_are_in_step():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
