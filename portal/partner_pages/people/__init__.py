"""The partner's own people, as we see them."""
