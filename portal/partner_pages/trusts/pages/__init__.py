"""The pages of a partner's trusts."""
