"""Certificates are judged by what an organization trusts."""

from __future__ import annotations

from cas.core.validation.verdict import Verdict
from certificates.validation_orders import ValidationOrder
from kernel.actor import Actor


def validate_certificate(*, actor: Actor, order: ValidationOrder) -> Verdict:
    """Judge a certificate by RFC 5280 section 6, against the organization's own CAs and its trust anchors.

    Nothing is written. Raises NotFound (organization), Denied, Unlicensed (to fetch), Invalid on `certificate`, `chain`,
    `trust_anchors` and `crls[n]` for what cannot be read at all; what is wrong with a certificate that can be read
    stands in the verdict.
    """
    raise NotImplementedError
