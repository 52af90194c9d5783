"""The floor: a Django with nothing in it but what the work cannot do without, behind the same server, on the same pool.

`POST /issue` reads a CSR, signs a certificate, inserts it and commits. `GET /stored/<id>` returns stored bytes.
`python -m bench.floor FILE` makes its two tables in the database that `DATABASE_URL` names, the bytes from that file.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import django
from cryptography.hazmat.primitives.serialization import Encoding
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection, models, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from bench.signing import certificate_for
from pkiproject.databases import database_from_url

# The pool of Chancery's settings: four threads and two to spare.
CONNECTIONS = 6
STORED = 64

settings.configure(
    ALLOWED_HOSTS=["localhost"],
    DATABASES={"default": database_from_url(os.environ["DATABASE_URL"], connections=CONNECTIONS)},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    MIDDLEWARE=[],
    ROOT_URLCONF="bench.floor",
    SECRET_KEY=os.urandom(32).hex(),
    USE_TZ=True,
)
django.setup()


class IssuedRow(models.Model):
    serial = models.CharField(max_length=40, unique=True)
    der = models.BinaryField()

    class Meta:
        app_label = "bench"


class StoredRow(models.Model):
    body = models.BinaryField()

    class Meta:
        app_label = "bench"


def issue(request: HttpRequest) -> JsonResponse:
    order = json.loads(request.body)
    certificate = certificate_for(order["csr"])
    with transaction.atomic():
        IssuedRow.objects.create(serial=f"{certificate.serial_number:x}", der=certificate.public_bytes(Encoding.DER))
    return JsonResponse({"certificate": certificate.public_bytes(Encoding.PEM).decode()}, status=201)


def stored(request: HttpRequest, number: int) -> HttpResponse:
    body = StoredRow.objects.values_list("body", flat=True).get(pk=number)
    return HttpResponse(bytes(body), content_type="application/ocsp-response")


def make_tables(body: bytes) -> None:
    """Fresh tables, with these bytes to be returned by every `/stored/<id>`."""
    existing = connection.introspection.table_names()
    with connection.schema_editor() as editor:
        for model in (IssuedRow, StoredRow):
            if model._meta.db_table in existing:
                editor.delete_model(model)
            editor.create_model(model)
    StoredRow.objects.bulk_create([StoredRow(pk=number, body=body) for number in range(1, STORED + 1)])


urlpatterns = [path("issue", issue), path("stored/<int:number>", stored)]
application = WSGIHandler()

if __name__ == "__main__":
    make_tables(Path(sys.argv[1]).read_bytes())
