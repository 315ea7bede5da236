"""The links that let somebody in, as a mail brings them: each opens once, in the portal of the browser tests."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Final

from django.utils import timezone

from partners import models
from portal.models import Invitation, SignInLink, User
from portal.roles import Role
from tests.portal import organisation as organisations

SHOWN: Final = "link-that-is-only-looked-at"
PRESSED: Final = "link-whose-button-is-pressed"
ZOE: Final = "zoe.welcome@meridian.example"
MEI: Final = "mei@kestrel.example"


def build() -> None:
    """Two invitations of Kestrel's people and two of ours: one of each is looked at, the other used up."""
    now = timezone.now()
    inviter = User.objects.get(email="partner.manager@meridian.example")
    kestrel = models.Partner.objects.get(slug="kestrel")
    for token, ours, theirs in ((SHOWN, "yann.welcome@meridian.example", "ada@kestrel.example"), (PRESSED, ZOE, MEI)):
        digest, expires_at = hashlib.sha256(token.encode()).digest(), now + timedelta(hours=71)
        person = organisations.person(Role.ENGINEER, ours, ours.partition(".")[0].title())
        person.set_unusable_password()
        person.save(update_fields=["password"])
        SignInLink.objects.create(user=person, digest=digest, expires_at=expires_at)
        Invitation.objects.create(partner=kestrel, email=theirs, digest=digest, made_by=inviter, expires_at=expires_at)
