"""What is done otherwise with certificates of public CAs: they are revoked there, and ordered there again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework.response import Response

from acme_client.services.renewing import renew_public_certificate
from acme_client.services.revoking import revoke_public_certificate
from api.common.shapes import kept
from api.native.acme_order_shapes import AcmeOrderDetailOut
from api.native.acme_orders import accepted
from api.native.request_outputs import RequestItemOut
from certificates.orders import RevokeOrder
from kernel.actor import Actor
from kernel.errors import Conflict, Invalid, field_error
from kernel.ref import Ref
from kernel.text import _

# What the answer to a renewal tells of, where nothing was signed.
UNDER_WAY: Final = PolymorphicProxySerializer(
    component_name="RenewalUnderWay",
    serializers=[RequestItemOut, AcmeOrderDetailOut],
    resource_type_field_name=None,
)


def asks_upstream(body: Any) -> bool:
    return isinstance(body, Mapping) and body.get("upstream") is True


def revoke_publicly(actor: Actor, order: RevokeOrder) -> None:
    """Raises what the service raises; Invalid on `upstream` where no public CA has issued it."""
    try:
        revoke_public_certificate(
            actor=actor, certificate=order.certificate, reason=order.reason, comment=order.comment
        )
    except Conflict as error:
        if error.error_code != "not-public":
            raise
        text = _("This certificate did not come from a public CA by ACME.")
        raise Invalid.of("upstream", "unsupported", text) from error


def renewed_publicly(actor: Actor, certificate: Ref, body: Any) -> Response:
    """202 with the order, which stands at `Location` in v2. Raises Invalid: there is nothing to be said in the body."""
    if body:
        text = _("A public CA is asked for the same again; there is nothing to choose.")
        raise Invalid(errors=[field_error(str(name)[:80], "contradiction", text) for name in body])
    order = renew_public_certificate(actor=actor, certificate=certificate)
    return accepted(kept(AcmeOrderDetailOut, "v2").to_representation(order))
