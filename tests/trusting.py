"""An organization that trusts somebody."""

from __future__ import annotations

from cas.models import TrustAnchor
from cas.orders import TrustAnchorOrder
from cas.services.anchors import add_trust_anchors
from kernel.ref import Ref
from tests import elsewhere
from tests.elsewhere import pem
from tests.office import Office


def trust(office: Office) -> TrustAnchor:
    """A root from elsewhere, trusted from now on."""
    order = TrustAnchorOrder(
        organization=Ref("pk", office.organization.pk), certificates=pem(elsewhere.root().certificate)
    )
    (anchor,) = add_trust_anchors(actor=office.owner, order=order)
    return anchor
