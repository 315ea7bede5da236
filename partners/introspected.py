"""Where an issuer is asked about its opaque tokens, and what we prove ourselves with there: columns of a trust."""

from __future__ import annotations

from django.db import models


class Introspected(models.Model):
    """Columns of ``FederationTrust``; without an endpoint its issuer is never asked.

    The secret is sealed, not hashed: it has to be shown to the issuer (RFC 7662 section 2.1).
    """

    introspection_endpoint = models.CharField(max_length=512, blank=True)
    introspection_client_id = models.CharField(max_length=255, blank=True)
    introspection_allows_missing_audience = models.BooleanField(default=False)
    introspection_kek_id = models.CharField(max_length=16, blank=True)
    introspection_nonce = models.BinaryField(max_length=12, default=b"")
    introspection_ciphertext = models.BinaryField(default=b"")

    class Meta:
        abstract = True
