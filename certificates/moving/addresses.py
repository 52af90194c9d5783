"""Where certificates say that their CRL, their issuer's certificate and OCSP are found."""

from __future__ import annotations

from typing import Final

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID

from cas.core.reading import UNREADABLE, extension_of

_METHODS: Final = (AuthorityInformationAccessOID.OCSP, AuthorityInformationAccessOID.CA_ISSUERS)


def addresses_in(certificate: x509.Certificate) -> list[str]:
    """The URIs; none where the extensions cannot be read."""
    try:
        points = extension_of(certificate.extensions, x509.CRLDistributionPoints) or ()
        access = extension_of(certificate.extensions, x509.AuthorityInformationAccess) or ()
    except UNREADABLE:
        return []
    names = [name for point in points for name in point.full_name or ()]
    names += [each.access_location for each in access if each.access_method in _METHODS]
    return [name.value for name in names if isinstance(name, x509.UniformResourceIdentifier)]
