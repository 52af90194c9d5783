"""CAs of other software, read from its files and databases: each reader ends in orders that `services.moving` takes."""
