"""Where orders are made and found, for the pages that lead there."""

from __future__ import annotations

from django.urls import reverse
from django.utils.http import urlencode

from accounts.policy import holds
from kernel.actor import Actor
from kernel.permissions import Permission


def order_link(actor: Actor, **chosen: str) -> str:
    """To the form for a new order, filled in so far; empty for who may not order."""
    if not holds(actor, Permission.CERTIFICATES_ISSUE):
        return ""
    return f"{reverse('acme-order-new')}?{urlencode(chosen)}"


def orders_link(**asked: str) -> str:
    return f"{reverse('acme-orders')}?{urlencode(asked)}"
