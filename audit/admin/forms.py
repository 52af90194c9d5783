"""Fields that the admin's forms share, and what the domain refuses, shown on the form that asked for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kernel.errors import DomainError, Invalid
from kernel.secret import Secret


class LinesField(forms.CharField):
    """One entry to a line; a tuple of them."""

    def __init__(self, *, rows: int = 3, **kwargs: Any) -> None:
        widget = forms.Textarea(attrs={"rows": rows, "class": "mono", "spellcheck": "false"})
        super().__init__(widget=widget, **{"required": False, "max_length": 100_000, **kwargs})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, (list, tuple)) else value

    def to_python(self, value: Any) -> Any:
        return tuple(line.strip() for line in str(value or "").splitlines() if line.strip())

    def validate(self, value: Any) -> None:
        if self.required and not value:
            raise forms.ValidationError(self.error_messages["required"], code="required")

    def run_validators(self, value: Any) -> None:
        super().run_validators("\n".join(value))


class DaysField(forms.IntegerField):
    """A number of days; a timedelta."""

    def __init__(self, *, longest: int = 36_600, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=longest, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return value.days if isinstance(value, timedelta) else value

    def clean(self, value: Any) -> Any:
        days = super().clean(value)
        return None if days is None else timedelta(days=days)


class MinutesField(forms.IntegerField):
    """A number of minutes; a timedelta."""

    def prepare_value(self, value: Any) -> Any:
        return int(value.total_seconds() // 60) if isinstance(value, timedelta) else value

    def clean(self, value: Any) -> Any:
        minutes = super().clean(value)
        return None if minutes is None else timedelta(minutes=minutes)


class SecretField(forms.CharField):
    """A passphrase: never shown again, and a Secret from here on. None where it was left empty."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
        super().__init__(widget=widget, **{"required": False, "strip": False, "max_length": 1024, **kwargs})

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        return Secret(text) if text else None


class UploadField(forms.FileField):
    """A file of at most so many bytes; its bytes. Empty where there is none."""

    def __init__(self, *, longest: int, **options: Any) -> None:
        self.longest = longest
        super().__init__(**{"required": False, **options})

    def clean(self, data: Any, initial: Any = None) -> bytes:
        file = super().clean(data, initial)
        if not file:
            return b""
        if file.size > self.longest:
            raise forms.ValidationError(_("The file is longer than %(limit)s bytes."), params={"limit": self.longest})
        content: bytes = file.read()
        return content


class CodeArea(forms.Textarea):
    """Room for PEM."""

    def __init__(self, rows: int = 9) -> None:
        super().__init__(attrs={"rows": rows, "class": "mono", "spellcheck": "false", "autocapitalize": "none"})


def message_of(error: DomainError) -> str:
    """The sentence of an error in the reader's language; every one of them where there are several."""
    parts = error.errors if isinstance(error, Invalid) else ()
    return " ".join(dict.fromkeys(part.message.render(gettext) for part in parts)) or error.message.render(gettext)


def add_domain_error(form: forms.BaseForm, error: DomainError, fields: Mapping[str, str] | None = None) -> None:
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


def _form_field(form: forms.BaseForm, path: str, fields: Mapping[str, str]) -> str | None:
    bare = path.split("[", 1)[0]
    head, tail = bare.split(".", 1)[0], bare.rsplit(".", 1)[-1]
    for candidate in (fields.get(path), fields.get(bare), bare, tail, fields.get(head), head):
        if candidate in form.fields:
            return candidate
    return None
