"""Channels and rules, what they tell, and what becomes of it."""
