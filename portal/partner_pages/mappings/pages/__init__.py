"""The pages of a partner's mappings."""
