"""Everything in one encrypted file, and back again, from one kind of database to another."""
