"""A partner's clients: their forms, what platform vouches for one, their pages."""
