"""One's own account, and the people of one's organization."""
