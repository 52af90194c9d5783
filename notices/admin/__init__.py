"""Channels, rules, notices and deliveries in the admin."""
