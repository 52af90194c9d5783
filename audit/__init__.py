"""What happened, provably: append, sign, seal, verify."""
