"""The CertMate dialect: client certificates and host bundles, under `/api/`."""
