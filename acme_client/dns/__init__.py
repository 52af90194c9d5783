"""DNS: what it says (`resolving`, `caa`), and how it is changed (`changing`, by lexicon or RFC 2136)."""
