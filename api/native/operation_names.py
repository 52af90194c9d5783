"""What the operations of API v2 are called, in its document and in every client: `certificates.issue`.

Most names follow from the path: `GET /templates` is `templates.list`, `POST /cas/{id}/retire` is `cas.retire`. The
tables have those that do not.
"""

from __future__ import annotations

from typing import Final

# Longer paths first: a resource has what is below its path, unless that is a resource of its own.
_RESOURCES: Final = {
    "/acme/accounts": "acme_accounts",
    "/acme/providers": "acme_accounts",
    "/acme/orders": "acme_orders",
    "/acme/challenges": "acme_challenges",
    "/audit/checkpoints": "checkpoints",
}
_METHODS: Final = {
    "GET /whoami": "get",
    "GET /stats": "get",
    "POST /certificates": "issue",
    "POST /certificates/batch": "issue_batch",
    "POST /certificates/import": "import_files",
    "GET /certificates/by-serial/{serial}": "get_by_serial",
    "POST /certificates/{id}/private-key": "collect_private_key",
    "GET /certificates/{id}/renewal": "get_renewal",
    "PUT /certificates/{id}/renewal": "set_renewal",
    "DELETE /certificates/{id}/renewal": "stop_renewal",
    "GET /certificates/{id}/current/download": "download_current",
    "POST /certificates/{id}/placements": "add_placement",
    "GET /certificates/{id}/placements": "list_placements",
    "POST /requests/{id}/private-key": "collect_private_key",
    "POST /cas/import": "import_authority",
    "POST /cas/pending": "create_pending",
    "POST /cas/foreign": "add_foreign",
    "POST /cas/{id}/crl": "publish_crl",
    "POST /cas/{id}/csr": "create_csr",
    "POST /cas/{id}/cross": "cross_certify",
    "POST /cas/{id}/successor": "create_successor",
    "GET /cas/{id}/dialects": "list_dialects",
    "POST /cas/{id}/dialects": "open_dialect",
    "GET /cas/{id}/certificates": "list_certificates",
    "POST /cas/{id}/certificates": "add_certificate",
    "GET /cas/{id}/certificates/{fingerprint}": "get_certificate",
    "POST /cas/{id}/certificates/{fingerprint}/prefer": "prefer_certificate",
    "POST /cas/{id}/certificates/{fingerprint}/revoke": "revoke_certificate",
    "DELETE /acme/accounts/{id}": "deactivate",
    "GET /acme/providers": "providers",
    "POST /notices/read": "mark_read",
}
_BY_VERB: Final = {"PATCH": "update", "DELETE": "delete", "PUT": "replace"}


def operation_name(verb: str, path: str, *, is_list: bool) -> str:
    """`roles.get` of `GET /roles/{id}`, `roles.impact` of `POST /roles/{id}/impact`.

    Args:
        verb: in capitals.
        path: below `/api/v2`.
        is_list: whether the answer is a page of a list.
    """
    return f"{_resource_name(path)}.{_method_name(verb, path, is_list=is_list)}"


def _resource_name(path: str) -> str:
    for prefix, name in _RESOURCES.items():
        if path == prefix or path.startswith(f"{prefix}/"):
            return name
    return _snake(path.split("/")[1])


def _method_name(verb: str, path: str, *, is_list: bool) -> str:
    given = _METHODS.get(f"{verb} {path}")
    if given:
        return given
    last = path.rsplit("/", 1)[1]
    if last.startswith("{"):
        return _BY_VERB.get(verb, "get")
    if is_list:
        return "list"
    if verb == "POST" and "{" not in path and _resource_name(path) in (_snake(last), _snake(path.strip("/"))):
        return "create"
    return _snake(last)


def _snake(text: str) -> str:
    return text.replace("-", "_").replace("/", "_")
