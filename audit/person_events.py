"""Events about people with an account here: how they come in, and what they may do. ``data`` names the person.

``data`` always has ``person``, the account's id, and ``email``, as it was when the event was written.
"""

from __future__ import annotations

from audit.events import Event


class PersonInvited(Event):
    """An account was made for somebody. ``data``: roles."""

    __slots__ = ()
    kind = "person.invited"


class PersonLinked(Event):
    """A link for signing in once was sent to somebody. ``data``: expires_at."""

    __slots__ = ()
    kind = "person.link_sent"


class PersonSignedIn(Event):
    """Somebody came in. ``data``: methods (what was proven), address."""

    __slots__ = ()
    kind = "person.signed_in"


class SignInFailed(Event):
    """A sign-in failed. ``data``: person and email where an account was meant, address, and how many there were."""

    __slots__ = ()
    kind = "person.sign_in_failed"


class FactorFailed(Event):
    """A code or a passkey was wrong, after the password or in place of it. ``data``: factor, purpose, address, count.

    ``purpose`` says whether somebody wanted to come in, or to prove again who they are.
    """

    __slots__ = ()
    kind = "person.factor_failed"


class RecoveryCodeUsed(Event):
    """A recovery code stood in for a second factor, and is void. ``data``: purpose, address, left."""

    __slots__ = ()
    kind = "person.recovery_code_used"


class PersonRoleGiven(Event):
    """Somebody may do what a role may. ``data``: role, source (a person, or the organisation's directory)."""

    __slots__ = ()
    kind = "person.role_given"


class PersonRoleTaken(Event):
    """Somebody no longer has a role from this source. ``data`` as of ``PersonRoleGiven``, and whether it is kept."""

    __slots__ = ()
    kind = "person.role_taken"


class PersonDisabled(Event):
    """An account was closed: its sessions ended, and nobody signs in with it."""

    __slots__ = ()
    kind = "person.disabled"


class PersonEnabled(Event):
    """A closed account was opened again."""

    __slots__ = ()
    kind = "person.enabled"


class FactorAdded(Event):
    """Somebody has another way to prove who they are. ``data``: factor, name."""

    __slots__ = ()
    kind = "person.factor_added"


class FactorRenamed(Event):
    """Somebody calls a passkey of theirs something else. ``data``: factor, name."""

    __slots__ = ()
    kind = "person.factor_renamed"


class FactorRemoved(Event):
    """Somebody has one way less. ``data`` as of ``FactorAdded``."""

    __slots__ = ()
    kind = "person.factor_removed"


class RecoveryCodesMade(Event):
    """Somebody got new recovery codes; the former ones are void."""

    __slots__ = ()
    kind = "person.recovery_codes_made"


class PasswordChanged(Event):
    """Somebody set their password."""

    __slots__ = ()
    kind = "person.password_changed"


class SessionsEnded(Event):
    """Sessions of somebody were ended from another one. ``data``: count."""

    __slots__ = ()
    kind = "person.sessions_ended"


class IdentityConnected(Event):
    """Somebody can come in through the organisation's OpenID provider. ``data``: issuer."""

    __slots__ = ()
    kind = "person.identity_connected"


class ConsentWithdrawn(Event):
    """A client may no longer act for somebody: all it held of them ended. ``data``: roots, how many there were."""

    __slots__ = ()
    kind = "person.consent_withdrawn"


class AccountsLinked(Event):
    """Two accounts are one human's: neither is the other's second person. ``data``: other, the second one's address."""

    __slots__ = ()
    kind = "person.accounts_linked"


class AccountUnlinked(Event):
    """An account counts as a person of its own again. ``data``: others, whose it was."""

    __slots__ = ()
    kind = "person.account_unlinked"
