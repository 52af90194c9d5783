"""What every dialect of the API shares: credentials, permissions, one strict parser, problems, pages."""
