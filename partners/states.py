"""The words for the states of this app's rows. Stable: the database, the audit trail and the API use them."""

from django.db import models


class ScopeRisk(models.TextChoices):
    """Tiers of ``policy.parties.Risk``."""

    LOW = "low"
    MODERATE = "moderate"
    HIGH = "high"
    CRITICAL = "critical"


class PartnerState(models.TextChoices):
    """The life of a partner. Only ``ACTIVE`` exchanges for real; before that, for test targets."""

    DRAFT = "draft"
    INVITED = "invited"
    CONFIGURING = "configuring"
    TESTED = "tested"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    OFFBOARDED = "offboarded"


BEFORE_ACTIVE = (PartnerState.DRAFT, PartnerState.INVITED, PartnerState.CONFIGURING, PartnerState.TESTED)


class KeyMethod(models.TextChoices):
    """``UPLOADED`` keys are never fetched."""

    DISCOVERY = "discovery"
    JWKS_URI = "jwks_uri"
    UPLOADED = "uploaded"


class ClientState(models.TextChoices):
    """A suspended client gets the same 401 as an unknown one."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


class TrustState(models.TextChoices):
    """``QUARANTINED``: keys changed in a way an admin must confirm; ``WITHDRAWN`` is final."""

    ACTIVE = "active"
    QUARANTINED = "quarantined"
    WITHDRAWN = "withdrawn"


class MappingState(models.TextChoices):
    """At most one published version per name; a withdrawn mapping has none."""

    DRAFT = "draft"
    PUBLISHED = "published"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


class FormatOfTokens(models.TextChoices):
    """``policy.parties.TokenFormat`` as the database has it."""

    JWT = "jwt"
    REFERENCE = "reference"


class SourceOfMapping(models.TextChoices):
    """``policy.mapping.MappingSource`` as the database has it."""

    TRUST = "trust"
    OWN_TOKEN = "own_token"
    CLIENT = "client"
