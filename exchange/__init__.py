"""The token endpoint: RFC 8693 in, a narrow short-lived token out."""
