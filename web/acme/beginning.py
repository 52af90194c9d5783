"""What comes before the first certificate of a public CA, in its order."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.policy import holds
from acme_client.models import AcmeAccount
from acme_client.name_selectors import visible_names
from acme_client.selectors import visible_accounts
from audit.admin.pages import Words
from kernel.actor import Actor
from kernel.permissions import Permission


@dataclass(frozen=True, slots=True)
class Step:
    """`url` is empty where somebody else has to do it."""

    title: Words
    why: Words
    act: Words
    url: str
    is_done: bool
    is_next: bool = False


def beginning(actor: Actor) -> list[Step]:
    writes, orders = holds(actor, Permission.ACME_WRITE), holds(actor, Permission.CERTIFICATES_ISSUE)
    names = visible_names(visible_to=actor)
    accounts = visible_accounts(visible_to=actor).exclude(status=AcmeAccount.Status.DEACTIVATED)
    waiting = names.first()
    name_url = reverse("public-name", args=[waiting.public_id]) if waiting else reverse("public-name-new")
    steps = [
        Step(
            _("A name that is yours"),
            _("By a TXT record in its DNS this organization proves that it may order certificates for it."),
            _("Prove it") if waiting else _("Add a public name"),
            name_url if writes else "",
            names.filter(proven_at__isnull=False).exists(),
        ),
        Step(
            _("An account at a public CA"),
            _("Let’s Encrypt, ZeroSSL, Google Trust Services, or any server that speaks RFC 8555."),
            _("Add an account"),
            reverse("acme-account-new") if writes else "",
            accounts.exists(),
        ),
        Step(
            _("The first order"),
            _("What is ordered is proven, collected and renewed from here, without anybody’s doing."),
            _("Order a certificate"),
            reverse("acme-order-new") if orders else "",
            False,
        ),
    ]
    return _with_next(steps)


def _with_next(steps: list[Step]) -> list[Step]:
    """The first that is not done is the next one."""
    first = next(step for step in steps if not step.is_done)
    return [replace(step, is_next=step is first) for step in steps]
