"""How much may come in with a form: an upload is written to the disk while it is read, before any view has seen it."""

from __future__ import annotations

from typing import IO, Any, Final

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest

# More than any form without a long file needs.
LARGEST_FORM: Final = 2 * 1024 * 1024
# A CA that moves in brings its last CRL. Superusers let it in; the fields of the form have limits of their own.
LARGEST_OF_SUPERUSERS: Final = 65 * 1024 * 1024


class LimitedUpload(FileUploadHandler):
    """Stands first among the handlers, and refuses a form by its length before a byte of it is read or written.

    Raises RequestDataTooBig.
    """

    def handle_raw_input(
        self,
        input_data: IO[bytes],
        META: Any,  # noqa: N803  the name is Django's
        content_length: int,
        boundary: str,
        encoding: str | None = None,
    ) -> None:
        if content_length > _largest(self.request):
            raise RequestDataTooBig("the form is longer than any form here")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """Whatever comes after it has the file."""


def _largest(request: HttpRequest | None) -> int:
    user = getattr(request, "user", None)
    return LARGEST_OF_SUPERUSERS if user is not None and user.is_active and user.is_superuser else LARGEST_FORM
