"""Django's own settings; Handover's live in ``portal.config``."""
