"""What the addresses of FastPKI's dialect name."""

from __future__ import annotations

from typing import Any

from accounts.services.issuance_policies import PolicyOrder, set_issuance_policy
from accounts.services.service_tokens import create_service_token
from tests.office import Office


def people_and_machines(office: Office, account: Any) -> dict[str, str]:
    """A teammate, the organization, and a service account with a token and a policy, by their numbers."""
    token = create_service_token(actor=office.owner, account=account, name="ACME token").row
    order = PolicyOrder(max_validity_days=1, cn_patterns=["*.acme.test"])
    set_issuance_policy(actor=office.owner, account=account, order=order)
    return {
        "organization_number": str(office.organization.pk),
        "person_number": str(office.organization.memberships.get(role="operator").user_id),
        "account_number": str(account.pk),
        "token_number": str(token.pk),
        "service_token": str(token.public_id),
    }
