"""A partner's mappings: how people write them, what a token suggests, their pages."""
