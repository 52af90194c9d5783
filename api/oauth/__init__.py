"""What OAuth clients call: tokens, registration, and where to find these (RFC 6749, 7009, 7591, 8414, 8628, 9728)."""
