"""The pages of a partner's clients."""
