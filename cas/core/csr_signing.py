"""Requests for end-entity certificates, made here for a key that is made here."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.x509 import (
    CertificateSigningRequest,
    CertificateSigningRequestBuilder,
    GeneralName,
    Name,
    SubjectAlternativeName,
)

from cas.core.keys import PrivateKey
from cas.core.schemes import hash_for


def make_csr(subject: Name, sans: Sequence[GeneralName], key: PrivateKey) -> CertificateSigningRequest:
    """A PKCS#10 request (RFC 2986) for this subject and these names, signed with the subject's own key."""
    builder = CertificateSigningRequestBuilder(subject)
    if sans:
        builder = builder.add_extension(SubjectAlternativeName(sans), critical=not subject.rdns)
    return builder.sign(key, hash_for(key.public_key()))  # type: ignore[arg-type]  # its stubs name each hash
