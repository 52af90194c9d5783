"""The first run: from nothing to a first certificate."""
