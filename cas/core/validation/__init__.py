"""Whether a certificate may be trusted: paths to trust anchors, and what RFC 5280 section 6 says of them."""
