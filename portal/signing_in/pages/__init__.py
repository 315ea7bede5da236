"""Ways in, the account, and what proves who somebody is, as pages."""
