"""Who our partners are, whom they vouch for, and what that is worth here."""
