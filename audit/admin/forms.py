"""What the domain refuses, shown on the form that asked for it."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext

from kernel.errors import DomainError, Invalid


def message_of(error: DomainError) -> str:
    """The sentence of an error in the reader's language."""
    return error.message.render(gettext)


def add_domain_error(form: forms.BaseForm, error: DomainError, fields: dict[str, str] | None = None) -> None:
    """Put each part of the error beside the field it is about; what has no field goes to the top.

    `fields` maps names of the domain ("subject.common_name", "sans") to fields of the form; an index is ignored.
    """
    if not isinstance(error, Invalid) or not error.errors:
        form.add_error(None, message_of(error))
        return
    for part in error.errors:
        text = part.message.render(gettext)
        name = _form_field(form, part.field, fields or {})
        form.add_error(name, text if name else f"{part.field}: {text}")


def _form_field(form: forms.BaseForm, path: str, fields: dict[str, str]) -> str | None:
    bare = path.split("[", 1)[0]
    for candidate in (
        fields.get(path),
        fields.get(bare),
        bare,
        bare.rsplit(".", 1)[-1],
        fields.get(bare.split(".")[0]),
    ):
        if candidate in form.fields:
            return candidate
    return None
