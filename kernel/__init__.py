"""Words that every room shares. Plain Python: no Django, no I/O."""
