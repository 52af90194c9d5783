"""Every page that exists, found through the registry and the URL configuration, so that none is forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from django.contrib import admin
from django.test import Client
from django.urls import reverse

from tests.security.doors import OPEN, PAGES

ACCOUNT_PAGES = ("/account/", "/account/security/", "/account/sessions/", "/account/organization/")
OWN_PAGES = ("/", "/password/", *ACCOUNT_PAGES, "/developers/", "/developers/v1/", "/developers/errors/")
OPEN_PAGES = (
    "/sign-in/",
    "/password/forgotten/",
    "/password/new/x/y/",
    "/no-such-page/",
    "/developers/",
    "/developers/errors/template-not-found",
)


def admin_lists() -> Iterator[str]:
    yield reverse("admin:index")
    for model, model_admin in admin.site._registry.items():
        yield reverse(f"admin:{_name(model)}_changelist")
        for page in getattr(model_admin, "list_pages", ()):
            yield reverse(f"admin:{_name(model)}_{page.slug}")


def admin_records() -> Iterator[str]:
    """The newest row of each kind, and the pages beside it."""
    for model, model_admin in admin.site._registry.items():
        row = model._default_manager.order_by("-pk").first()
        if row is None:
            continue
        yield reverse(f"admin:{_name(model)}_change", args=[row.pk])
        for page in getattr(model_admin, "object_pages", ()):
            yield reverse(f"admin:{_name(model)}_{page.slug}", args=[row.pk])


def desk_pages(client: Client, names: Mapping[str, str]) -> list[str]:
    """What this reader gets to see of the table of pages; `names` is what its addresses are made of."""
    known = {"second_factor": "1", **names}
    paths = [address.format(**known) for address, need in PAGES.items() if need != OPEN]
    return [path for path in paths if _is_page(client.get(path))]


def _is_page(answer) -> bool:
    return answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html")


def every_page() -> list[str]:
    return [*OWN_PAGES, *admin_lists(), *admin_records()]


def _name(model) -> str:
    return f"{model._meta.app_label}_{model._meta.model_name}"
