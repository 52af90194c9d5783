"""A Django of two views: one reads a row, one also makes a P-256 signature."""

from __future__ import annotations

import os

import django
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.urls import path

from bench.signing import signature
from pkiproject.databases import database_from_url

settings.configure(
    ALLOWED_HOSTS=["localhost"],
    DATABASES={"default": database_from_url(os.environ["DATABASE_URL"], connections=10)},
    MIDDLEWARE=["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"],
    ROOT_URLCONF="bench.site",
    SECRET_KEY=os.urandom(32).hex(),
)
django.setup()


def _row() -> dict[str, object]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname, relpages FROM pg_class WHERE oid = %s", [1259])
        name, pages = cursor.fetchone()
    return {"name": name, "pages": pages, "text": "x" * 500}


def read(request: HttpRequest) -> JsonResponse:
    return JsonResponse(_row())


def sign(request: HttpRequest) -> JsonResponse:
    return JsonResponse(_row() | {"signature": signature().hex()})


async def read_async(request: HttpRequest) -> JsonResponse:
    return await sync_to_async(read)(request)


async def sign_async(request: HttpRequest) -> JsonResponse:
    return await sync_to_async(sign)(request)


urlpatterns = [path("read", read), path("sign", sign), path("async/read", read_async), path("async/sign", sign_async)]
wsgi = WSGIHandler()
asgi = ASGIHandler()
