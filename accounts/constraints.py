"""A database constraint for tenancy: what a row names belongs to the row's own organization."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import BaseConstraint

if TYPE_CHECKING:
    from django.db.models import Model


class SameOrganization(BaseConstraint):
    """FOREIGN KEY (field, organization) REFERENCES target (id, organization).

    It makes a row that names another tenant's CA impossible, whatever the code does. The target model
    must declare a unique constraint on (id, organization). A NULL in the field is allowed (MATCH SIMPLE).
    """

    def __init__(self, *, field: str, name: str) -> None:
        self.field = field
        super().__init__(name=name)

    # A model and a schema editor, always; the stubs of Django would have us expect None as well.
    def constraint_sql(self, model: Any, schema_editor: Any) -> str:
        field: Any = model._meta.get_field(self.field)
        target = field.remote_field.model
        quote = schema_editor.quote_name
        columns = ", ".join((quote(field.column), quote("organization_id")))
        referenced = ", ".join((quote(target._meta.pk.column), quote("organization_id")))
        return (
            f"CONSTRAINT {quote(self.name)} FOREIGN KEY ({columns}) "
            f"REFERENCES {quote(target._meta.db_table)} ({referenced}) DEFERRABLE INITIALLY DEFERRED"
        )

    def create_sql(self, model: Any, schema_editor: Any) -> str:
        table = schema_editor.quote_name(model._meta.db_table)
        return f"ALTER TABLE {table} ADD {self.constraint_sql(model, schema_editor)}"

    def remove_sql(self, model: Any, schema_editor: Any) -> str:
        table, name = schema_editor.quote_name(model._meta.db_table), schema_editor.quote_name(self.name)
        return f"ALTER TABLE {table} DROP CONSTRAINT {name}"

    def validate(self, model: type[Model], instance: Model, exclude: Any = None, using: str = "default") -> None:
        """The database is the judge; forms never choose across organizations."""

    def deconstruct(self) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        path, args, kwargs = super().deconstruct()
        return path, tuple(args), {**kwargs, "field": self.field}

    def __eq__(self, other: object) -> bool:
        if isinstance(other, SameOrganization):
            return (self.name, self.field) == (other.name, other.field)
        return NotImplemented

    def __hash__(self) -> int:
        return hash((self.name, self.field))
