"""The calls and the events of services that hand out client certificates and the files of hosts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from cas.core.csr import read_csr
from cas.orders import Dialect
from cas.services.standing import enable_dialect
from certificates.models import Certificate
from certificates.orders import IssueOrder, Managed
from certificates.services.downloads import download_for_host, download_signing_request
from certificates.services.issuance import issue_at_once
from certificates.services.keys import export_private_key
from kernel.ref import Ref
from tests import pki
from tests.office import order_for


def _client(s: Any, **changes: Any) -> Certificate:
    """By a template whose role keeps keys."""
    enable_dialect(actor=s.owner, ca=Ref("pk", s.office.issuing.pk), dialect=Dialect.CERTMATE)
    wished = order_for(s.office.template, "host.acme.test")
    order = IssueOrder(template="certmate.client", key=Managed(), subject=wished.subject)
    return issue_at_once(actor=s.owner, order=replace(order, **changes)).certificate


def _export(s: Any) -> Any:
    return export_private_key(actor=s.owner, certificate=Ref("pk", _client(s).pk))


def _download_csr(s: Any) -> Any:
    row = _client(s, key=read_csr(pki.make_csr(subject="CN=x")), keep_csr=True)
    return download_signing_request(actor=s.owner, certificate=Ref("pk", row.pk))


def _download_for_host(s: Any) -> Any:
    _client(s)
    return download_for_host(actor=s.owner, name="host.acme.test", with_key=True)


_OPENED = ["role.created", "template.created", "certificate.issued"]
CLIENT_CALLS: dict[str, tuple[Callable[[Any], object], list[str]]] = {
    "certificates.export_private_key": (_export, [*_OPENED, "certificate.key_collected"]),
    "certificates.download_signing_request": (_download_csr, [*_OPENED, "certificate.downloaded"]),
    "certificates.download_for_host": (_download_for_host, [*_OPENED, "certificate.key_collected"]),
}
