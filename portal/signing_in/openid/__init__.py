"""Signing in through the organisation's OpenID provider: code with PKCE, state and nonce (OpenID Connect Core 3.1)."""
