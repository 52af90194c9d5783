"""Every page that exists, found through the registry and the URL configuration, so that none is forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from django.contrib import admin
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

# What is no page for the owner of `whole_organization`: files, pages that lead to another, what needs somebody else,
# what is only sent to, and what its record is not ready for. Whatever is not named here is a page.
NO_PAGES: Final[Mapping[int, frozenset[str]]] = {
    200: frozenset(
        {
            "/overview.csv",
            "/work/",
            "/certificates/new/batch/sample.csv",
            "/certificates/export/",
            "/certificates/{certificate}/file/{format}/",
            "/audit/verifier.py",
            "/audit/checkpoint",
            "/audit/{event}/proof.json",
            "/authorities/{ca}/file/{format}/",
        }
    ),
    302: frozenset(
        {
            # Nothing is chosen.
            "/certificates/revoke-many/",
            "/certificates/renew-many/",
            "/certificates/tag-many/",
            "/certificates/hand-over-many/",
            "/certificates/archive/",
            "/confirm/code/",
            "/confirm/passkey/",
            "/account/security/{second_factor}/remove/",
            "/organization/machines/{machine_identity}/unbind/",
            "/setup/",
            "/setup/root/",
            "/setup/issuing/",
            "/setup/rules/",
            "/setup/certificate/",
            "/setup/review/",
        }
    ),
    403: frozenset(
        {
            "/requests/approve-several/",
            "/requests/{request}/approve/",
            "/requests/{request}/reject/",
            "/acme/names/grant/",
        }
    ),
    405: frozenset(
        {
            "/certificates/new/preview/",
            "/audit/verify/",
            "/audit/export/",
            "/account/api-keys/{api_key}/revoke/",
            "/organization/applications/withdraw/",
            "/organization/applications/{oauth_client}/revoke/",
            "/organization/invitations/{invitation}/",
            "/setup/dismiss/",
            "/notifications/read/",
        }
    ),
    409: frozenset(
        {
            "/certificates/{certificate}/renew-same-key/",
            "/certificates/{certificate}/renew-public/",
            "/certificates/{certificate}/revoke-public/",
            "/acme/orders/{acme_order}/retry/",
            "/acme/challenges/{acme_challenge}/complete/",
            "/acme/accounts/{acme_account}/retry/",
            "/acme/names/{public_name}/prove/",
            "/certificates/{certificate}/do-not-renew/",
            "/certificates/{certificate}/lift-hold/",
            "/requests/{request}/fulfil/",
            "/requests/{request}/cancel/",
            "/authorities/certificates/{fingerprint}/prefer/",
            "/authorities/certificates/{fingerprint}/revoke/",
            "/authorities/{ca}/complete/",
            "/authorities/{ca}/enable/",
            "/authorities/{ca}/move-templates/",
            "/authorities/{ca}/cancel/",
            "/authorities/{ca}/abandon/",
            "/organization/service-accounts/{service_account}/enable/",
            "/notifications/rules/{notice_rule}/enable/",
            "/notifications/channels/{channel}/enable/",
        }
    ),
}


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


def desk_pages(names: Mapping[str, str]) -> list[str]:
    """The table of pages without what is none; `names` is what its addresses are made of."""
    return [path for path, status in desk_addresses(names) if status is None]


def desk_addresses(names: Mapping[str, str]) -> Iterator[tuple[str, int | None]]:
    """Every address of the table that asks who is there, and how it answers where it is not with a page."""
    statuses = {address: status for status, addresses in NO_PAGES.items() for address in addresses}
    for address, need in PAGES.items():
        if need != OPEN:
            yield path_of(address, names), statuses.get(address)


def path_of(address: str, names: Mapping[str, str], **others: str) -> str:
    return address.format(**{"second_factor": "1", **names, **others})


def every_page() -> list[str]:
    return [*OWN_PAGES, *admin_lists(), *admin_records()]


def _name(model) -> str:
    return f"{model._meta.app_label}_{model._meta.model_name}"
