"""The register: certificates, revocation, CRLs and OCSP."""
