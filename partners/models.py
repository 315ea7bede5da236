"""Partners, their clients, the issuers we trust for them, our targets, and the mappings between the two.

Private to this app: others read through ``selectors`` and write through ``services``, so that every change bumps the
registry's epoch and leaves an audit event.
"""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from oauth2_provider.models import AbstractApplication
from uuid_utils.compat import uuid7

from partners.allowances import Allowed, Constraints, allowed
from partners.catalogue import Scope, Target
from partners.constraints import MAX_LEEWAY, MAX_LIFETIME, between, one_of, slug_validator
from partners.expressed import Expressed, expressions_are_bounded
from partners.fetched import Fetched
from partners.introspected import Introspected
from partners.proofs import Proofs, certificate_is_named_once
from partners.rows import Registry, Row
from partners.states import (
    ClientState,
    KeyMethod,
    MappingState,
    PartnerState,
    SourceOfMapping,
    TrustState,
)
from partners.workloads import Workload, workload_is_narrowed

__all__ = [
    "Client",
    "ClientSecret",
    "FederationTrust",
    "KeySource",
    "Partner",
    "Registry",
    "Scope",
    "ScopeMapping",
    "Target",
]


class Partner(Allowed, Row):
    """An organisation whose systems exchange tokens here."""

    slug = models.CharField(max_length=63, unique=True, validators=[slug_validator])
    name = models.CharField(max_length=120)
    state = models.CharField(max_length=12, choices=PartnerState.choices, default=PartnerState.DRAFT)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    contact_email = models.EmailField(blank=True)
    purpose = models.TextField(blank=True, max_length=2000)
    review_due_on = models.DateField(null=True, blank=True)
    contract_ends_on = models.DateField(null=True, blank=True)
    default_target = models.ForeignKey(Target, models.PROTECT, null=True, blank=True, related_name="+")
    trust_anchors = models.TextField(blank=True, help_text="PEM; its clients' certificates chain to these.")
    version = models.BigIntegerField(default=0, editable=False, db_index=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["slug"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(Lower("name"), "slug", name="partner_by_name"),
            models.Index(fields=["contract_ends_on", "id"], name="partner_by_contract_end"),
            models.Index(fields=["review_due_on", "id"], name="partner_by_review"),
            models.Index(fields=["id"], name="partner_with_anchors", condition=~Q(trust_anchors="")),
        ]
        constraints: ClassVar[Constraints] = allowed("partner", one_of("state", PartnerState, "partner_state_is_known"))

    def __str__(self) -> str:
        return self.name


class KeySource(Fetched, Row):
    """Where a signer's public keys come from, and the last good set. A failed fetch never removes good keys."""

    partner = models.ForeignKey(Partner, models.PROTECT, null=True, blank=True, related_name="key_sources")
    method = models.CharField(max_length=10, choices=KeyMethod.choices)
    location = models.CharField(
        max_length=512, blank=True, help_text="The issuer (discovery) or the address of the key set."
    )
    jwks_uri = models.CharField(max_length=512, blank=True, help_text="As discovered, or equal to the location.")
    jwks = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            one_of("method", KeyMethod, "key_source_method_is_known"),
            models.CheckConstraint(
                name="key_source_location_fits_method",
                condition=Q(method="uploaded", location="") | (~Q(method="uploaded") & ~Q(location="")),
            ),
        ]

    def __str__(self) -> str:
        return self.location or "uploaded keys"


class Client(Proofs, Workload, Allowed, AbstractApplication):
    """An OAuth client of a partner; django-oauth-toolkit's Application, so that one registry serves every grant.

    The toolkit's ``client_secret`` stays unusable: secrets are rows of ``ClientSecret``, two live at a time.
    """

    id = models.UUIDField(  # type: ignore[assignment]  # the toolkit counts; our public ids are UUIDs
        primary_key=True, default=uuid7, editable=False
    )
    partner = models.ForeignKey(Partner, models.PROTECT, related_name="clients", null=True, blank=True)
    state = models.CharField(max_length=10, choices=ClientState.choices, default=ClientState.ACTIVE)
    methods = ArrayField(
        models.CharField(max_length=40), default=list, help_text="Registered client authentication methods."
    )
    grant_types = ArrayField(models.CharField(max_length=80), default=list)
    scopes = ArrayField(models.CharField(max_length=128), default=list, blank=True)
    assertion_algorithms = ArrayField(models.CharField(max_length=10), default=list, blank=True)
    accepts_endpoint_audience = models.BooleanField(default=False)
    key_source = models.OneToOneField(KeySource, models.PROTECT, null=True, blank=True, related_name="client")
    serves = models.ManyToManyField(Target, blank=True, related_name="resource_servers")

    class Meta(AbstractApplication.Meta):
        abstract = False
        ordering: ClassVar[list[str]] = ["client_id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["id"], name="client_with_anchors", condition=~Q(trust_anchors="")),
        ]
        constraints: ClassVar[Constraints] = allowed(
            "client",
            one_of("state", ClientState, "client_state_is_known"),
            certificate_is_named_once,
            *workload_is_narrowed,
        )

    def __str__(self) -> str:
        return self.client_id

    def allows_grant_type(self, *grant_types: str) -> bool:
        """django-oauth-toolkit asks with its own names; ours are those of the wire (RFC 6749)."""
        wire = {"authorization-code": "authorization_code", "client-credentials": "client_credentials"}
        return any(wire.get(name, name) in self.grant_types for name in grant_types)

    def is_usable(self, request: object) -> bool:  # noqa: ARG002 - the toolkit's signature
        """Whether the toolkit may serve this client: it and its partner are active."""
        return self.state == ClientState.ACTIVE and (self.partner is None or self.partner.state == PartnerState.ACTIVE)


class ClientSecret(models.Model):
    """A generated 256-bit secret under a keyed hash. Two slots, so that a rotation has an overlap and an end."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    client = models.ForeignKey(Client, models.CASCADE, related_name="secrets")
    slot = models.PositiveSmallIntegerField()
    kek_id = models.CharField(max_length=16)
    digest = models.BinaryField(max_length=32)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["client", "slot"], name="client_has_two_secret_slots"),
            models.CheckConstraint(name="client_secret_slot_is_1_or_2", condition=Q(slot__in=[1, 2])),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["expires_at", "id"], name="client_secret_by_end", condition=~Q(expires_at=None)),
        ]

    def __str__(self) -> str:
        return f"secret {self.slot} of {self.client_id}"


class FederationTrust(Introspected, Row):
    """Our decision to accept one issuer's tokens for one partner."""

    partner = models.ForeignKey(Partner, models.PROTECT, related_name="trusts")
    name = models.CharField(max_length=63, validators=[slug_validator])
    state = models.CharField(max_length=12, choices=TrustState.choices, default=TrustState.ACTIVE)
    issuer = models.CharField(max_length=512)
    key_source = models.OneToOneField(KeySource, models.PROTECT, related_name="trust")
    audiences = ArrayField(models.CharField(max_length=255), default=list, blank=True)
    token_types = ArrayField(models.CharField(max_length=80))
    algorithms = ArrayField(models.CharField(max_length=10))
    rules = models.JSONField(default=list, blank=True)
    leeway = models.DurationField(default=timedelta(seconds=30))
    subject_lifetime = models.DurationField(default=timedelta(hours=1))
    lifetime = models.DurationField(default=timedelta(minutes=5))
    max_depth = models.PositiveSmallIntegerField(default=1, validators=[MinValueValidator(0), MaxValueValidator(4)])
    one_time = models.BooleanField(default=False)
    reusable_assertions = models.BooleanField(default=False)
    allows_foreign_chain = models.BooleanField(default=False)
    accepts_actors = models.BooleanField(default=False)

    class Meta:
        ordering: ClassVar[list[str]] = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["partner", "name"], name="trust_is_named_once_per_partner"),
            models.UniqueConstraint(
                fields=["partner", "issuer"],
                condition=~Q(state="withdrawn"),
                name="trust_is_one_per_issuer_of_a_partner",
            ),
            one_of("state", TrustState, "trust_state_is_known"),
            between("leeway", timedelta(0), MAX_LEEWAY, "trust_leeway_is_at_most_60_s"),
            between("lifetime", timedelta(seconds=1), MAX_LIFETIME, "trust_lifetime_is_at_most_1_h"),
            between(
                "subject_lifetime", timedelta(seconds=1), timedelta(days=1), "trust_subject_lifetime_is_at_most_1_d"
            ),
            between("max_depth", 0, 4, "trust_depth_is_at_most_4"),
            models.CheckConstraint(
                condition=Q(one_time=False) | Q(reusable_assertions=False), name="trust_assertions_come_again_or_not"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.partner_id}:{self.name}"


class ScopeMapping(Expressed, Row):
    """One version of a mapping. Published versions are never edited: a trigger refuses all but a change of state.

    Without a partner it is for clients of our own.
    """

    partner = models.ForeignKey(Partner, models.PROTECT, related_name="mappings", null=True, blank=True)
    name = models.CharField(max_length=63, validators=[slug_validator])
    version = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=MappingState.choices, default=MappingState.DRAFT)
    position = models.PositiveIntegerField(default=100, help_text="Mappings are tried in this order, then by name.")
    source = models.CharField(max_length=10, choices=SourceOfMapping.choices, default=SourceOfMapping.TRUST)
    trust = models.ForeignKey(FederationTrust, models.PROTECT, related_name="mappings", null=True, blank=True)
    target = models.ForeignKey(Target, models.PROTECT, related_name="mappings")
    clients = ArrayField(
        models.CharField(max_length=255), null=True, blank=True, help_text="Client ids; null: every client."
    )
    rules = models.JSONField(default=list, blank=True)
    grants = models.JSONField(default=dict, blank=True)
    always = ArrayField(models.CharField(max_length=128), default=list, blank=True)
    default_scopes = ArrayField(models.CharField(max_length=128), default=list, blank=True)
    lifetime = models.DurationField(default=timedelta(minutes=5))
    allows_impersonation = models.BooleanField(default=False)
    max_depth = models.PositiveSmallIntegerField(default=1, validators=[MinValueValidator(0), MaxValueValidator(4)])
    subject_claim = models.CharField(max_length=255, default="sub")
    author = models.CharField(max_length=254, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["position", "name", "-version"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["partner", "name", "version"], name="mapping_version_is_unique", nulls_distinct=False
            ),
            models.UniqueConstraint(
                fields=["partner", "name"],
                condition=Q(state="published"),
                name="mapping_has_one_published_version",
                nulls_distinct=False,
            ),
            one_of("source", SourceOfMapping, "mapping_source_is_known"),
            models.CheckConstraint(
                name="mapping_has_a_trust_where_that_is_its_source",
                condition=Q(source="trust", trust__isnull=False, partner__isnull=False)
                | (~Q(source="trust") & Q(trust__isnull=True)),
            ),
            one_of("state", MappingState, "mapping_state_is_known"),
            between("lifetime", timedelta(seconds=1), MAX_LIFETIME, "mapping_lifetime_is_at_most_1_h"),
            between("max_depth", 0, 4, "mapping_depth_is_at_most_4"),
            *expressions_are_bounded,
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"
