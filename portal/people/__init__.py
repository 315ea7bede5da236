"""Who has an account here and which roles: what may be changed, and what the pages show of it."""
