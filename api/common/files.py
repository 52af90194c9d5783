"""Files in answers."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.http import content_disposition_header

from certificates.bundles import Download


def file_response(file: Download) -> HttpResponse:
    """A file to be saved."""
    response = HttpResponse(file.content, content_type=file.content_type)
    response.headers["Content-Disposition"] = content_disposition_header(True, file.filename) or "attachment"
    return response
