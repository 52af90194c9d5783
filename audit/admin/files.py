"""Files that a page hands out."""

from __future__ import annotations

from django.http import HttpResponse


def attachment(name: str, content: bytes | str, content_type: str) -> HttpResponse:
    """To be kept under this name, not shown. The name is one of ours: letters, digits, dots, dashes."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type=content_type, headers=headers)
