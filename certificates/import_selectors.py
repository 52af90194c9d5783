"""What is known of certificates from elsewhere."""

from __future__ import annotations

from cryptography import x509

from cas.chains import chain_of
from certificates.models import Certificate, ImportedChain


def chain_above(row: Certificate) -> tuple[x509.Certificate, ...]:
    """The CAs above a certificate, issuer first: of one from elsewhere as far as they came with it."""
    if row.ca is not None:
        return chain_of(row.ca).certificates
    kept = ImportedChain.objects.filter(certificate=row).first()
    return kept.certificates if kept else ()
