"""The portal's way to PostgreSQL: connections, rights, and the checks of both."""
