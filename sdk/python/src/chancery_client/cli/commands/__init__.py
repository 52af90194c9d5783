"""What can be typed: one function for each command, whose signature is its options and whose docstring its help."""
