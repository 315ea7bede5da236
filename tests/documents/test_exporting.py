"""The way back: what ``export`` writes, ``apply`` finds unchanged; and in an empty installation it makes the same."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from partners import inventory, services
from partners.changes import Change
from partners.declarations import (
    Declared,
    DeclaredClient,
    DeclaredIntrospection,
    DeclaredMapping,
    DeclaredPartner,
    DeclaredRule,
    DeclaredScope,
    DeclaredTarget,
    DeclaredTrust,
    DeclaredWorkload,
)
from partners.models import FederationTrust
from partners.states import ClientState, SourceOfMapping
from partners.vocabulary import DeclaredPartnerState, GrantType, SignatureAlgorithm, SubjectTokenType
from policy.claim_rules import Operator
from policy.parties import ClientAuthentication, Risk, TokenFormat
from portal.documents.errors import DocumentsRefused
from portal.documents.exporting import export
from tests.certificates import Authority
from tests.documents import texts
from tests.documents.texts import applied, applied_with
from tests.partners import examples

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.django_db

KEYS = [examples.public_key("RSA", kid="r"), examples.public_key(kid="e"), examples.public_key("Ed25519", kid="o")]
TRICKY = [
    "no",
    "1e3",
    "0x1F",
    "2027-01-01",
    "012",
    "~",
    "a: b",
    "- x",
    "#",
    "'",
    '"',
    "Ørsted & søn",
    "true",
    "=",
    "😀",
]

_printable = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), max_size=30)
_line = st.sampled_from(TRICKY) | _printable
_name = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
_scope = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='"\\'), min_size=1, max_size=12
)


def seconds(low: int, high: int) -> st.SearchStrategy[timedelta]:
    return st.integers(low, high).map(lambda number: timedelta(seconds=number))


def some(values: Any, smallest: int = 0) -> st.SearchStrategy[tuple[Any, ...]]:
    known = sorted(values)
    drawn = st.lists(st.sampled_from(known), unique=True, min_size=smallest) if known else st.just([])
    return drawn.map(lambda found: tuple(sorted(found)))


_scalar = _line | st.integers(-(2**53) + 1, 2**53 - 1) | st.booleans()
_rule = st.one_of(
    st.builds(
        DeclaredRule,
        claim=_line.filter(bool),
        operator=st.sampled_from([Operator.EQUALS, Operator.CONTAINS]),
        value=_scalar,
    ),
    st.builds(
        DeclaredRule, claim=_name, operator=st.just(Operator.ONE_OF), value=st.lists(_scalar, min_size=1, max_size=3)
    ),
    st.builds(DeclaredRule, claim=_name, operator=st.just(Operator.MATCHES), value=st.just(r"^[a-z]+(:|\d{1,3})$")),
    st.builds(DeclaredRule, claim=_name, operator=st.just(Operator.EXISTS)),
)
_rules = st.lists(_rule, max_size=3).map(tuple)


@st.composite
def configurations(draw: st.DrawFn) -> list[Declared]:
    """A target, a partner with a client, a trust and a mapping, a client and a mapping of our own: drawn in full."""
    scopes = draw(
        st.dictionaries(
            _scope,
            st.builds(DeclaredScope, description=_line.filter(bool), risk=st.sampled_from(Risk)),
            min_size=1,
            max_size=4,
        )
    )
    target = DeclaredTarget(
        name=draw(_name),
        audience=draw(_scope),
        title=draw(_line),
        description=draw(st.lists(_line, max_size=3).map("\n".join)),
        resources=draw(some(["urn:x:1", "https://a.example/?b=c", "https://b.example/v1"])),
        lifetime=draw(seconds(30, 3600)),
        token_format=draw(st.sampled_from(TokenFormat)),
        is_active=draw(st.booleans()),
        is_test=draw(st.booleans()),
        scopes=dict(sorted(scopes.items())),
    )
    partner = DeclaredPartner(
        name=draw(_name),
        title=draw(_line.filter(bool)),
        state=draw(st.none() | st.sampled_from([DeclaredPartnerState.ACTIVE, DeclaredPartnerState.SUSPENDED])),
        contact_email=draw(st.none() | st.just("o'brien+ops@kestrel.example")),
        purpose=draw(st.lists(_line, max_size=3).map("\n".join)),
        review_due_on=draw(st.none() | st.dates(date(2020, 1, 1), date(2040, 1, 1))),
        default_target=draw(st.none() | st.just(target.name)),
        contract_ends_on=draw(st.none() | st.dates(date(2020, 1, 1), date(2040, 1, 1))),
        **draw(_limits),
    )
    client = draw(_clients(target, partner))
    return [
        target,
        partner,
        client,
        replace(client, name=f"{client.name}-ours", partner=None),
        trust := draw(_trusts(partner)),
        draw(_mappings(target, trust)),
        draw(_own_mappings(target, f"{client.name}-ours")),
    ]


_limit = st.none() | st.integers(10, 1000)
_limits: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"requests_per_minute": _limit, "burst": _limit, "daily_quota": _limit}
)


def _clients(target: DeclaredTarget, partner: DeclaredPartner) -> st.SearchStrategy[DeclaredClient]:
    return st.builds(
        DeclaredClient,
        name=_scope,
        title=_line,
        partner=st.just(partner.name),
        state=st.sampled_from(ClientState),
        methods=some([method for method in ClientAuthentication if "secret" in method], 1).map(
            lambda found: (*found, ClientAuthentication.PRIVATE_KEY_JWT)
        ),
        grant_types=some([grant for grant in GrantType if grant != GrantType.AUTHORIZATION_CODE]),
        scopes=some(target.scopes),
        jwks=st.just({"keys": KEYS}),
        assertion_algorithms=some(SignatureAlgorithm).map(
            lambda found: tuple(sorted({*found, SignatureAlgorithm.ES256}))
        ),
        accepts_endpoint_audience=st.booleans(),
        serves=some([target.name]),
    )


def _trusts(partner: DeclaredPartner) -> st.SearchStrategy[DeclaredTrust]:
    return st.one_of(_trust(partner, one_time=st.booleans()), _trust(partner, reusable_assertions=st.booleans()))


def _trust(partner: DeclaredPartner, **uses: st.SearchStrategy[bool]) -> st.SearchStrategy[DeclaredTrust]:
    return st.builds(
        DeclaredTrust,
        name=_name,
        partner=st.just(partner.name),
        introspection=st.none() | _introspection,
        issuer=st.sampled_from(["https://a.example", "https://a.example/t/7/"]),
        jwks_uri=st.none() | st.just("https://keys.example/set?v=1"),
        audiences=some(TRICKY[:5]),
        token_types=some(SubjectTokenType, 1).map(lambda found: tuple(sorted({*found, SubjectTokenType.ACCESS_TOKEN}))),
        algorithms=some(SignatureAlgorithm, 1),
        rules=_rules,
        leeway=seconds(0, 60),
        subject_lifetime=seconds(1, 86400),
        lifetime=seconds(1, 3600),
        max_depth=st.integers(0, 4),
        **uses,
        allows_foreign_chain=st.booleans(),
        accepts_actors=st.booleans(),
    )


_introspection = st.builds(
    DeclaredIntrospection,
    endpoint=st.just("https://a.example/introspect"),
    client_id=st.sampled_from(["meridian", "a:b#c"]),
    allows_missing_audience=st.booleans(),
)


def _own_mappings(target: DeclaredTarget, client: str) -> st.SearchStrategy[DeclaredMapping]:
    """What a client of our own may have: for one of our tokens, or for itself."""
    return st.builds(
        DeclaredMapping,
        name=_name,
        source=st.sampled_from([SourceOfMapping.OWN_TOKEN, SourceOfMapping.CLIENT]),
        target=st.just(target.name),
        clients=st.none() | st.just((client,)),
        always=some(target.scopes),
        lifetime=seconds(1, 3600),
    ).flatmap(lambda mapping: some(mapping.always).map(lambda chosen: replace(mapping, default_scopes=chosen)))


def _mappings(target: DeclaredTarget, trust: DeclaredTrust) -> st.SearchStrategy[DeclaredMapping]:
    return st.builds(
        DeclaredMapping,
        name=_name,
        partner=st.just(trust.partner),
        trust=st.just(trust.name),
        target=st.just(target.name),
        position=st.integers(0, 1_000_000),
        rules=_rules,
        grants=st.dictionaries(_scope, some(target.scopes), max_size=3).map(lambda found: dict(sorted(found.items()))),
        always=some(target.scopes),
        lifetime=seconds(1, 3600),
        allows_impersonation=st.booleans(),
        max_depth=st.integers(0, 4),
        subject_claim=_line.filter(bool),
        carries_login=st.booleans(),
        condition=st.none() | _line.map(lambda text: f"claims.tier == {_quoted(text)}"),
        scopes_expression=st.none() | st.sampled_from(["scopes", "claims.a.map(x,\n  string(x))\n"]),
        claims=st.dictionaries(
            st.from_regex(r"own_[a-z0-9_]{1,20}", fullmatch=True), _line.map(_quoted), max_size=3
        ).map(lambda found: dict(sorted(found.items()))),
    )


def _quoted(text: str) -> str:
    """A text as an expression writes it."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


@contextmanager
def undone() -> Iterator[None]:
    """A savepoint that is rolled back at the end, so that what follows starts with nothing.

    Not ``atomic``, in which a durable block, the outermost of a change, could not be opened.
    """
    savepoint = transaction.savepoint()
    yield
    transaction.savepoint_rollback(savepoint)


def in_force() -> list[Declared]:
    return [item.declared for item in inventory.everything().values()]


@settings(
    max_examples=10,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(configurations())
def test_an_export_reapplies_as_unchanged_and_rebuilds_the_same_elsewhere(declarations: list[Declared]) -> None:
    with undone():
        assert all(step.action == "create" for step in applied(_with_secret(export(declarations))).steps)
        before = in_force()
        again = export(before)
        assert not applied(again, reinstates=True).has_changes
        assert in_force() == before
    with undone():
        applied(_with_secret(again))
        assert in_force() == before
        assert export(in_force()) == again


def _with_secret(text: str) -> str:
    """The documents with the reference that an export leaves out."""
    return text.replace("\nintrospection:\n", "\nintrospection:\n  secret: {env: KESTREL_SECRET}\n")


def test_a_trust_whose_secret_was_never_put_is_exported_and_found_unchanged() -> None:
    """As a page or a call leaves it, which ask for the secret by another step."""
    applied(texts.EVERYTHING)
    place = {"endpoint": "https://login.kestrel.example/introspect", "client_id": "meridian"}
    FederationTrust.objects.update(**{f"introspection_{name}": value for name, value in place.items()})
    text = export(in_force())
    assert "# introspection.secret: left out" in text
    assert not applied(text).has_changes
    (step,) = (step for step in applied(text.replace("leeway: 30s", "leeway: 20s")).steps if step.fields)
    assert [change.field for change in step.fields] == ["leeway"]
    with pytest.raises(DocumentsRefused, match="has no secret for its introspection endpoint yet"):
        applied(text.replace("client_id: meridian", "client_id: other"))


def test_certificates_and_what_a_client_is_held_to_survive_an_export() -> None:
    root, own = Authority(), Authority("Own Root")
    client = examples.client(
        scopes=(),
        methods=(ClientAuthentication.TLS_CLIENT_AUTH,),
        tls_client_auth_subject_dn="CN=Doe\\, Jane+OU=a#b,O=Ørsted",
        trust_anchors=own.pem,
        tls_client_certificate_bound_access_tokens=True,
        dpop_bound_access_tokens=True,
        requires_dpop_nonce=True,
    )
    applied(export([examples.partner(trust_anchors=root.pem), client]))
    before = in_force()
    assert not applied(export(before)).has_changes
    assert [declared.trust_anchors for declared in before] == [root.pem, own.pem]  # type: ignore[union-attr]
    (kept,) = (declared for declared in before if isinstance(declared, DeclaredClient))
    assert replace(kept, state=None) == client


def test_an_export_holds_no_secret_and_says_that_it_was_left_out() -> None:
    applied(texts.EVERYTHING)
    text = export(in_force())
    assert texts.ENVIRON["KESTREL_SECRET"] not in text
    assert "# secrets: left out" in text
    assert text.count("# secrets:") == 1
    assert not applied_with({}, text).has_changes


def test_an_export_applied_elsewhere_needs_its_secrets_again() -> None:
    applied(texts.EVERYTHING)
    text = export(in_force()).replace("# secrets: left out", "secrets: [{env: KESTREL_SECRET}] # left out")
    assert not applied(text).has_changes


def test_withdrawn_and_superseded_things_are_not_exported() -> None:
    applied(texts.EVERYTHING)
    applied(texts.EVERYTHING.replace("ledger: [ledger:read]", "ledger: [ledger:read, ledger:write]"))
    services.withdraw_mapping(Change(examples.ADMIN), "kestrel", "to-ledger")
    kinds = [declared.kind for declared in in_force()]
    assert kinds == ["Target", "Partner", "Client", "Trust"]


def test_one_partners_export_has_its_own_and_the_targets_it_names() -> None:
    other = texts.EVERYTHING.replace("kestrel", "fjord").replace("ledger-api", "reports-api")
    other = other.replace("https://ledger.", "https://reports.")
    applied(texts.EVERYTHING)
    applied_with({"KESTREL_SECRET": "", "fjord_SECRET": "", **texts.ENVIRON}, other)
    found = inventory.of_partner("fjord")
    assert [name for _, _, name in found] == ["reports-api", "fjord", "fjord-settlement", "fjord-idp", "to-ledger"]
    assert not applied(export(item.declared for item in found.values())).has_changes


def test_what_a_stricter_rule_would_refuse_today_can_still_be_exported_and_mended() -> None:
    applied(texts.EVERYTHING)
    FederationTrust.objects.update(issuer="http://login.kestrel.example", leeway=timedelta(seconds=30))
    assert "issuer: http://login.kestrel.example" in export(in_force())
    plan = applied(texts.EVERYTHING)
    assert [(step.action.value, step.fields[0].old) for step in plan.steps if step.fields] == [
        ("change", "http://login.kestrel.example")
    ]


def test_a_client_that_its_platform_vouches_for_survives_an_export() -> None:
    workload = DeclaredWorkload(
        issuer="https://token.actions.githubusercontent.com",
        audiences=("https://meridian.example/partners",),
        jwks={"keys": KEYS},
        algorithms=(SignatureAlgorithm.RS256,),
        rules=(DeclaredRule(claim="sub", operator=Operator.MATCHES, value="repo:kestrel/settle:(.*)"),),
        lifetime=timedelta(minutes=10),
    )
    methods = (ClientAuthentication.WORKLOAD_JWT,)
    applied(export([examples.partner(), examples.client(scopes=(), methods=methods, workload=workload)]))
    before = in_force()
    assert not applied(export(before)).has_changes
    (kept,) = (declared for declared in before if isinstance(declared, DeclaredClient))
    assert kept.workload == workload
