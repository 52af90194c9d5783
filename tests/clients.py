"""Certificates that clients sign in with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cas.models import Template
from cas.services.templates import create_template, order_of
from certificates.models import ClientCertificateBinding
from certificates.services.client_bindings import bind_client_certificate
from certificates.services.issuance import issue_at_once
from certificates.services.minting import Issued
from tests.office import Office, order_for


def client_template(office: Office) -> Template:
    """A template for clients, which exists once."""
    found = Template.objects.filter(organization=office.organization, code="client").first()
    if found is not None:
        return found
    changes: dict[str, Any] = {"name": "Client", "code": "client", "extended_key_usage": ("client_auth",)}
    return create_template(actor=office.owner, order=replace(order_of(office.template), **changes))


def client_certificate(office: Office, name: str = "robot.acme.test") -> Issued:
    """A certificate for a client, with its key."""
    return issue_at_once(actor=office.owner, order=order_for(client_template(office), name))


def bound(office: Office, account: Any, issued: Issued, **how: Any) -> ClientCertificateBinding:
    return bind_client_certificate(actor=office.owner, certificate=issued.certificate, account=account, **how)
