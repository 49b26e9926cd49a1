"""The messaging contract: what the core promises, on a real database and broker."""
