"""The native API: `/api/v2/` for everything there is, and PKIFactor's documented paths at `/api/v1/`."""
