"""How a client proves itself by keys of its own, beside its key set: the columns of RFC 8705 and RFC 9449."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from partners.vocabulary import CertificateName


class Proofs(models.Model):
    """Columns of ``Client``. Without trust anchors of its own, those of its partner count."""

    dpop_bound_access_tokens = models.BooleanField(default=False)
    requires_dpop_nonce = models.BooleanField(default=False)
    tls_client_certificate_bound_access_tokens = models.BooleanField(default=False)
    certificate_name_kind = models.CharField(max_length=10, blank=True)
    certificate_name = models.CharField(max_length=512, blank=True)
    trust_anchors = models.TextField(blank=True)

    class Meta:
        abstract = True


certificate_is_named_once = models.CheckConstraint(
    name="client_certificate_is_named_once",
    condition=Q(certificate_name_kind="", certificate_name="")
    | (Q(certificate_name_kind__in=[kind.value for kind in CertificateName]) & ~Q(certificate_name="")),
)
