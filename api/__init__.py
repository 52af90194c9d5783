"""The wire: what is common to all dialects, and one folder for each."""
