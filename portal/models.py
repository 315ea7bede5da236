"""People who sign in to the portal. Everything else says ``settings.AUTH_USER_MODEL``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from uuid_utils.compat import uuid7

from portal.canaries.models import Canary, CanaryTurn
from portal.kept_answers import KeptAnswer
from portal.partner_side.models import DomainProof, Invitation, PartnerAdmin, Proposal
from portal.people.models import Identity, RoleGrant, SignInLink
from portal.reminding.models import Reminder, ReminderLetter
from portal.simulator.models import BackTest, BackTestDifference, Shadow, ShadowDifference

if TYPE_CHECKING:
    from typing import Any


__all__ = [
    "BackTest",
    "BackTestDifference",
    "Canary",
    "CanaryTurn",
    "DomainProof",
    "Identity",
    "Invitation",
    "KeptAnswer",
    "PartnerAdmin",
    "Proposal",
    "Reminder",
    "ReminderLetter",
    "RoleGrant",
    "Shadow",
    "ShadowDifference",
    "SignInLink",
    "User",
    "UserManager",
]


class UserManager(BaseUserManager["User"]):
    """Makes people by e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:  # noqa: ANN401
        """A new person; without a password they can sign in by passkey or single sign-on only."""
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:  # noqa: ANN401
        """A person with every permission, for ``manage.py createsuperuser``."""
        return self.create_user(email, password, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person with an account, named by e-mail address. Their portal roles are groups."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField("e-mail address", unique=True, max_length=254)
    name = models.CharField("name", max_length=120, blank=True)
    is_active = models.BooleanField("active", default=True)
    joined_at = models.DateTimeField(default=timezone.now, editable=False)
    person = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="accounts",
        help_text="The account that stands for the human whose account this is too; empty for that one itself.",
    )

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(Lower("email"), name="user_email_is_one_person"),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def get_short_name(self) -> str:
        """The name pages greet with."""
        return self.name or self.email.partition("@")[0]
