"""Configuration as code: YAML documents in, a plan and one audited change out; and the way back."""
