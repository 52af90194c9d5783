"""What the SDKs call the schemas of the OpenAPI document."""

from __future__ import annotations

from typing import Final

# Schemas whose names say too little outside their page of the reference, or too much.
_MODELS: Final = {
    "Arrived": "ImportedCertificate",
    "AuthorityRequestRequest": "CertifyRequest",
    "File": "DeliveredFile",
    "Issuer": "TokenIssuer",
    "IssuerRequest": "TokenIssuerRequest",
    "IssuerChangeRequest": "TokenIssuerChangeRequest",
    "Key": "AuditKey",
    "Keys": "AuditKeys",
    "Provider": "SignInProvider",
    "ProviderRequest": "SignInProviderRequest",
    "ProviderChangeRequest": "SignInProviderChangeRequest",
    "RenewalRequest": "RenewAuthorityRequest",
    "Resource": "AuditResource",
}


def model_name(schema: str) -> str:
    return _MODELS.get(schema, schema)
