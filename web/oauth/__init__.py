"""Where people let applications act for them, see which they let, and make those of their organization."""
