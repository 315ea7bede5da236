"""Changing the configuration: imperatives that take the open ``Change`` first, check everything, and audit themselves.

Called through the module: ``from partners import services`` then ``services.suspend_partner(change, "acme")``. Each
answers the fields it changed; an empty answer means that nothing had to change, and nothing was audited.
"""

from partners.services.clients import change_client, register_client, reinstate_client, suspend_client
from partners.services.credentials import generate_secret, put_secrets, withdraw_secret
from partners.services.differences import FieldChange
from partners.services.drafts import discard_draft, publish_draft, save_draft, save_first_drafts
from partners.services.introspections import put_introspection_secret
from partners.services.mappings import publish_mapping, withdraw_mapping
from partners.services.partners import (
    activate_partner,
    change_partner,
    configure_partner,
    declare_active,
    lead_partner,
    mark_invited,
    offboard_partner,
    pass_test,
    register_partner,
    reinstate_partner,
    suspend_partner,
)
from partners.services.targets import change_target, register_target, withdraw_scope
from partners.services.trust_keys import put_trust_keys
from partners.services.trusts import add_trust, change_trust, withdraw_trust

__all__ = [
    "FieldChange",
    "activate_partner",
    "add_trust",
    "change_client",
    "change_partner",
    "change_target",
    "change_trust",
    "configure_partner",
    "declare_active",
    "discard_draft",
    "generate_secret",
    "lead_partner",
    "mark_invited",
    "offboard_partner",
    "pass_test",
    "publish_draft",
    "publish_mapping",
    "put_introspection_secret",
    "put_secrets",
    "put_trust_keys",
    "register_client",
    "register_partner",
    "register_target",
    "reinstate_client",
    "reinstate_partner",
    "save_draft",
    "save_first_drafts",
    "suspend_client",
    "suspend_partner",
    "withdraw_mapping",
    "withdraw_scope",
    "withdraw_secret",
    "withdraw_trust",
]
