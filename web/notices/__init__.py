"""What the organization is told: its notices, the rules that make them, and where else they go."""
