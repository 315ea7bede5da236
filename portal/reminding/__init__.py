"""Reminders by mail before anything of a partner ends."""
