"""The Django project and the web UI that binds the rest together."""
