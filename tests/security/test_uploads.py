"""What comes in has a limit before it is read: forms, files, bodies, batches."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from api.common.parser import LARGEST_BODY
from api.native.batch_inputs import LARGEST_BATCH
from certificates.models import Certificate
from certificates.services.batches import MOST_ROWS
from pkiproject.uploads import LARGEST_FORM, LARGEST_OF_SUPERUSERS
from tests import cast
from tests.api.wire import Wire, wire_of
from tests.office import Office, open_office

pytestmark = pytest.mark.django_db

CERTIFICATES = "/api/v2/certificates"
IMPORT = "/admin/cas/certificateauthority/import/"


@pytest.fixture
def office() -> Office:
    return open_office()


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    """Where uploads are written while they are read."""
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    return tmp_path


def upload(client: Client, path: str, size: int) -> Any:
    return client.post(path, {"username": "x", "file": SimpleUploadedFile("crl.der", b"x" * size)})


def announced(client: Client, path: str, size: int) -> Any:
    """A form of such a length, of which not a byte is sent."""
    multipart = "multipart/form-data; boundary=x"
    return client.generic("POST", path, b"--x--", content_type=multipart, CONTENT_LENGTH=str(size))


@pytest.mark.parametrize("path", ["/sign-in/", "/password/forgotten/", "/language/"])
def test_nobody_fills_the_disk(folder: Path, path: str):
    answer = upload(Client(), path, LARGEST_FORM + 1)
    assert answer.status_code == 413
    assert list(folder.iterdir()) == []


def test_no_member_fills_it_either(office: Office, folder: Path):
    client = Client()
    client.force_login(office.person.user, backend="accounts.sessions.PasswordBackend")
    assert upload(client, "/account/", LARGEST_FORM + 1).status_code == 413
    assert upload(client, "/account/", LARGEST_FORM // 2).status_code == 302
    assert list(folder.iterdir()) == []


def test_a_superuser_brings_a_long_crl_and_nothing_longer(office: Office):
    client = Client()
    client.force_login(cast.superuser(), backend="accounts.sessions.PasswordBackend")
    assert client.get(IMPORT).status_code == 200
    assert upload(client, IMPORT, LARGEST_FORM + 1).status_code in (200, 422)
    assert announced(client, IMPORT, LARGEST_OF_SUPERUSERS + 1).status_code == 413


def test_a_file_in_the_admin_has_the_limit_of_its_field(office: Office):
    client = Client()
    client.force_login(cast.superuser(), backend="accounts.sessions.PasswordBackend")
    files = {"certificates": SimpleUploadedFile("ca.pem", b"x" * (1024 * 1024 + 1))}
    before = Certificate.objects.count()
    answer = client.post(IMPORT, files)
    assert answer.status_code in (200, 422)
    assert Certificate.objects.count() == before


@pytest.mark.parametrize("length", [LARGEST_BODY + 1, 100 * LARGEST_BODY])
def test_a_body_of_the_api_is_refused_by_its_length(office: Office, length: int):
    wire = wire_of(office.person)
    answer = wire.client.generic(
        "POST",
        CERTIFICATES,
        b'{"template_code": "' + b"x" * LARGEST_BODY + b'"}',
        content_type="application/json",
        HTTP_AUTHORIZATION=f"Bearer {wire.token}",
        CONTENT_LENGTH=str(length),
    )
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (413, "body-too-large")


def test_a_batch_has_a_limit_of_its_own(office: Office):
    body = json.dumps({"template_code": "web-tls", "rows": []}).encode()
    wire = wire_of(office.person)
    answer = wire.post("/api/v2/certificates/batch", body + b" " * (LARGEST_BATCH + 1 - len(body)))
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (413, "body-too-large")
    assert LARGEST_BATCH > LARGEST_BODY


def test_a_batch_has_so_many_rows(office: Office):
    rows = [{}] * (MOST_ROWS + 1)
    answer = wire_of(office.person).post("/api/v2/certificates/batch", {"template_code": "web-tls", "rows": rows})
    assert answer.status_code == 422
    assert not Certificate.objects.exists()


def test_who_is_nobody_is_refused_before_the_body_is_read(office: Office):
    class Unread:
        def read(self, *_: object) -> bytes:
            raise AssertionError("the body of somebody unknown was read")

        readline = read

    unread = {"wsgi.input": Unread(), "CONTENT_LENGTH": "100"}
    answer = Client().generic("POST", CERTIFICATES, b"", content_type="application/json", **unread)
    assert answer.status_code == 401
    assert Wire("cm_" + "x" * 32).post(CERTIFICATES, {}).status_code == 401
