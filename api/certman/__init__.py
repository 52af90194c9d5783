"""The Certman dialect: `/v1/…`."""
