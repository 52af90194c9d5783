"""Who: sign-in, users, organizations, service accounts, the audit log."""

from __future__ import annotations

from django.urls import URLPattern, path

from api.common import converters as converters  # `number`
from api.fastpki.audit_logs import AuditLogs
from api.fastpki.auth import Login, Logout, Refresh
from api.fastpki.organizations import Organizations
from api.fastpki.service_accounts import ServiceAccounts
from api.fastpki.users import Users

IDENTITY: list[URLPattern] = [
    path("auth/token", Login.as_view({"post": "token"})),
    path("auth/refresh", Refresh.as_view({"post": "refresh"})),
    path("auth/logout", Logout.as_view({"post": "logout"})),
    path("auth/invalidate", Logout.as_view({"post": "invalidate"})),
    path("users/", Users.as_view({"get": "list", "post": "create"})),
    path("users/me", Users.as_view({"get": "me"})),
    path("users/<number:ref>", Users.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"})),
    path("organizations/", Organizations.as_view({"get": "list", "post": "create"})),
    path(
        "organizations/<number:ref>", Organizations.as_view({"get": "retrieve", "put": "update", "delete": "destroy"})
    ),
    path("organizations/<number:ref>/users", Organizations.as_view({"get": "users"})),
    path(
        "organizations/<number:ref>/users/<number:person>",
        Organizations.as_view({"post": "add_user", "delete": "remove_user"}),
    ),
    path("service-accounts/", ServiceAccounts.as_view({"get": "list", "post": "create"})),
    path(
        "service-accounts/<number:ref>",
        ServiceAccounts.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
    ),
    path("service-accounts/<number:ref>/tokens", ServiceAccounts.as_view({"get": "tokens", "post": "create_token"})),
    path("service-accounts/<number:ref>/tokens/<number:token>", ServiceAccounts.as_view({"delete": "revoke_token"})),
    path(
        "service-accounts/<number:ref>/policy",
        ServiceAccounts.as_view({"get": "policy", "put": "set_policy", "delete": "remove_policy"}),
    ),
    path("audit-logs/", AuditLogs.as_view({"get": "list"})),
]
