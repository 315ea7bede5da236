"""The addresses of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import include, path, re_path, register_converter

from portal.api import (
    access,
    alerts,
    back_tests,
    canaries,
    clients,
    description,
    endings,
    exchanges,
    golden,
    history,
    introspection,
    mappings,
    me,
    own_mappings,
    partner_people,
    partners,
    people,
    people_acts,
    proposals,
    shadows,
    simulations,
    suggestions,
    targets,
    trust_health,
    trusts,
    waiting_keys,
)
from portal.api.nowhere import Nowhere

if TYPE_CHECKING:
    from django.urls import URLPattern

app_name = "api"


class ScopeConverter:
    """A scope in an address: the characters that RFC 6749 section 3.3 gives it."""

    regex = r"[!#-\[\]-~]{1,128}"

    @staticmethod
    def to_python(value: str) -> str:
        """The scope itself."""
        return value

    to_url = to_python


register_converter(ScopeConverter, "scope")

ADDRESSES: list[URLPattern] = [
    path("openapi.json", description.Description.as_view(), name="description"),
    path("me", me.Me.as_view(), name="me"),
    path("partners", partners.Partners.as_view(), name="partners"),
    path("partners/<slug:partner>", partners.Partner.as_view(), name="partner"),
    path("partners/<slug:partner>/pass-test", partners.PassTest.as_view(), name="partner-pass-test"),
    path("partners/<slug:partner>/activate", partners.Activate.as_view(), name="partner-activate"),
    path("partners/<slug:partner>/suspend", partners.Suspend.as_view(), name="partner-suspend"),
    path("partners/<slug:partner>/reinstate", partners.Reinstate.as_view(), name="partner-reinstate"),
    path("partners/<slug:partner>/offboard", partners.Offboard.as_view(), name="partner-offboard"),
    path("partners/<slug:partner>/trusts", trusts.Trusts.as_view(), name="trusts"),
    path("partners/<slug:partner>/trusts/<slug:trust>", trusts.Trust.as_view(), name="trust"),
    path("partners/<slug:partner>/trusts/<slug:trust>/withdraw", trusts.Withdraw.as_view(), name="trust-withdraw"),
    path("partners/<slug:partner>/trusts/<slug:trust>/health", trust_health.TrustHealth.as_view(), name="trust-health"),
    path("partners/<slug:partner>/trusts/<slug:trust>/look", trust_health.Look.as_view(), name="trust-look"),
    path(
        "partners/<slug:partner>/trusts/<slug:trust>/introspection-secret",
        introspection.Secret.as_view(),
        name="introspection-secret",
    ),
    path("partners/<slug:partner>/health", trust_health.PartnerHealth.as_view(), name="health"),
    path("partners/<slug:partner>/history", history.History.as_view(), name="history"),
    path("partners/<slug:partner>/canaries", canaries.Canaries.as_view(), name="canaries"),
    path("partners/<slug:partner>/canaries/run", canaries.Run.as_view(), name="canaries-run"),
    path("partners/<slug:partner>/waiting-keys", waiting_keys.WaitingKeys.as_view(), name="waiting-keys"),
    path("partners/<slug:partner>/waiting-keys/<uuid:source>", waiting_keys.WaitingKey.as_view(), name="waiting-key"),
    path(
        "partners/<slug:partner>/waiting-keys/<uuid:source>/confirm",
        waiting_keys.Confirm.as_view(),
        name="waiting-key-confirm",
    ),
    path("partners/<slug:partner>/people", partner_people.PartnerPeople.as_view(), name="insiders"),
    path("partners/<slug:partner>/people/<uuid:person>", partner_people.PartnerPerson.as_view(), name="insider"),
    path("partners/<slug:partner>/people/<uuid:person>/close", partner_people.Close.as_view(), name="insider-close"),
    path("partners/<slug:partner>/invitations", partner_people.Invitations.as_view(), name="invitations"),
    path(
        "partners/<slug:partner>/invitations/<uuid:invitation>", partner_people.Invitation.as_view(), name="invitation"
    ),
    path(
        "partners/<slug:partner>/invitations/<uuid:invitation>/revoke",
        partner_people.Revoke.as_view(),
        name="invitation-revoke",
    ),
    path("partners/<slug:partner>/proposals", proposals.Proposals.as_view(), name="proposals"),
    path("partners/<slug:partner>/proposals/<uuid:proposal>", proposals.Proposal.as_view(), name="proposal"),
    path(
        "partners/<slug:partner>/proposals/<uuid:proposal>/approve",
        proposals.Approve.as_view(),
        name="proposal-approve",
    ),
    path(
        "partners/<slug:partner>/proposals/<uuid:proposal>/decline",
        proposals.Decline.as_view(),
        name="proposal-decline",
    ),
    path("partners/<slug:partner>/suggestions", suggestions.Suggestions.as_view(), name="suggestions"),
    path("partners/<slug:partner>/mappings", mappings.Mappings.as_view(), name="mappings"),
    path("partners/<slug:partner>/mappings/<slug:mapping>", mappings.Mapping.as_view(), name="mapping"),
    path("partners/<slug:partner>/mappings/<slug:mapping>/versions", mappings.Versions.as_view(), name="versions"),
    path("partners/<slug:partner>/mappings/<slug:mapping>/draft", mappings.Draft.as_view(), name="draft"),
    path(
        "partners/<slug:partner>/mappings/<slug:mapping>/draft/blocked-by",
        golden.BlockedBy.as_view(),
        name="draft-blocked-by",
    ),
    path(
        "partners/<slug:partner>/mappings/<slug:mapping>/draft/back-test",
        back_tests.BackTest.as_view(),
        name="back-test",
    ),
    path(
        "partners/<slug:partner>/mappings/<slug:mapping>/draft/back-test/differences",
        back_tests.Differences.as_view(),
        name="back-test-differences",
    ),
    path("partners/<slug:partner>/mappings/<slug:mapping>/shadow", shadows.Shadow.as_view(), name="shadow"),
    path("partners/<slug:partner>/mappings/<slug:mapping>/shadow/stop", shadows.Stop.as_view(), name="shadow-stop"),
    path(
        "partners/<slug:partner>/mappings/<slug:mapping>/shadow/differences",
        shadows.Differences.as_view(),
        name="shadow-differences",
    ),
    path("partners/<slug:partner>/mappings/<slug:mapping>/publish", mappings.Publish.as_view(), name="publish"),
    path("partners/<slug:partner>/mappings/<slug:mapping>/withdraw", mappings.Withdraw.as_view(), name="withdraw"),
    path("own-mappings", own_mappings.Mappings.as_view(), name="own-mappings"),
    path("own-mappings/<slug:mapping>", own_mappings.Mapping.as_view(), name="own-mapping"),
    path("own-mappings/<slug:mapping>/versions", own_mappings.Versions.as_view(), name="own-versions"),
    path("own-mappings/<slug:mapping>/draft", own_mappings.Draft.as_view(), name="own-draft"),
    path("own-mappings/<slug:mapping>/publish", own_mappings.Publish.as_view(), name="own-publish"),
    path("own-mappings/<slug:mapping>/withdraw", own_mappings.Withdraw.as_view(), name="own-withdraw"),
    path("clients", clients.Clients.as_view(), name="clients"),
    path("clients/<uuid:client>", clients.Client.as_view(), name="client"),
    path("clients/<uuid:client>/suspend", clients.Suspend.as_view(), name="client-suspend"),
    path("clients/<uuid:client>/reinstate", clients.Reinstate.as_view(), name="client-reinstate"),
    path("clients/<uuid:client>/secrets", clients.Secrets.as_view(), name="secrets"),
    path("clients/<uuid:client>/secrets/<int:slot>", clients.Secret.as_view(), name="secret"),
    path("targets", targets.Targets.as_view(), name="targets"),
    path("targets/<slug:target>", targets.Target.as_view(), name="target"),
    path("targets/<slug:target>/scopes/<scope:scope>", targets.Scope.as_view(), name="scope"),
    path("alerts", alerts.Alerts.as_view(), name="alerts"),
    path("alerts/<uuid:alert>", alerts.Alert.as_view(), name="alert"),
    path("alerts/<uuid:alert>/acknowledge", alerts.Acknowledge.as_view(), name="alert-acknowledge"),
    path("endings", endings.Endings.as_view(), name="endings"),
    path("access", access.Access.as_view(), name="access"),
    path("simulations", simulations.Simulations.as_view(), name="simulations"),
    path("golden-tokens", golden.GoldenTokens.as_view(), name="golden-tokens"),
    path("golden-tokens/run", golden.RunOfPartner.as_view(), name="golden-tokens-run"),
    path("golden-tokens/<uuid:case>", golden.GoldenToken.as_view(), name="golden-token"),
    path("golden-tokens/<uuid:case>/run", golden.Run.as_view(), name="golden-token-run"),
    path("people", people.People.as_view(), name="people"),
    path("people/<uuid:person>", people.Person.as_view(), name="person"),
    path("people/<uuid:person>/give-role", people_acts.GiveRole.as_view(), name="person-give-role"),
    path("people/<uuid:person>/take-role", people_acts.TakeRole.as_view(), name="person-take-role"),
    path("people/<uuid:person>/close", people_acts.Close.as_view(), name="person-close"),
    path("people/<uuid:person>/open", people_acts.Open.as_view(), name="person-open"),
    path("people/<uuid:person>/end-sessions", people_acts.EndSessions.as_view(), name="person-end-sessions"),
    path("people/<uuid:person>/send-link", people.SendLink.as_view(), name="person-send-link"),
    path("people/<uuid:person>/link", people_acts.Link.as_view(), name="person-link"),
    path("people/<uuid:person>/unlink", people_acts.Unlink.as_view(), name="person-unlink"),
    path("people/<uuid:person>/consents", people.Consents.as_view(), name="consents"),
    path("people/<uuid:person>/consents/<uuid:client>", people.Consent.as_view(), name="consent"),
    path("exchanges", exchanges.Exchanges.as_view(), name="exchanges"),
    path("exchanges/<uuid:reference>/try", simulations.Again.as_view(), name="exchange-try"),
    path("exchanges/<uuid:reference>", exchanges.Exchange.as_view(), name="exchange"),
]
"""What there is, in version 1."""

urlpatterns = [path("v1/", include(ADDRESSES)), re_path("", Nowhere.as_view())]
