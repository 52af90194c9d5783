"""What stands beside the two pages."""

from __future__ import annotations

from django.urls import URLPattern, path

from kernel.permissions import Permission
from web.desk import Desk
from web.issuing.many import sample
from web.issuing.one import preview


def issuing_urls(desk: Desk) -> list[URLPattern]:
    """The preview of what is being typed, and a file to begin a batch with."""
    new, need = f"{desk.place}new/", Permission.CERTIFICATES_ISSUE
    return [
        path(f"{new}preview/", desk.guarded(need, preview, methods=("POST",)), name=f"{desk.name}-preview"),
        path(f"{new}batch/sample.csv", desk.guarded(need, sample), name=f"{desk.name}-sample"),
    ]
