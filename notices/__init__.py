"""Rules, mail, webhooks and their deliveries."""
