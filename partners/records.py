"""Single objects of the configuration, as they are now and as lists show them: for callers who change them one by one.

``held`` reads an object under the locks that its services take, in their order, so that what a caller compares with is
what the service will change. Lists go by a name that is unique and indexed, from after one name on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Case, IntegerField, When

from partners import inventory, models
from partners.drafts import stamp_of
from partners.errors import NotRegistered
from partners.introspection_values import sealed_of
from partners.services import lookups
from partners.services.targets import take_turns
from partners.states import MappingState
from partners.vocabulary import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from uuid import UUID

    from django.db.models import QuerySet

    from partners.declarations import Declared

LONGEST_PAGE: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One object: its declaration, and what only the database knows of it. Never a secret."""

    id: UUID
    declared: Declared
    state: str
    created_at: datetime
    updated_at: datetime
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which part of a list: ``size`` objects from after a name on."""

    after: str = ""
    size: int = 50
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A part of a list, and the name to go on from; empty at the end."""

    records: tuple[Record, ...]
    next: str


def partner(slug: str) -> Record:
    """The partner. Raises ``NotRegistered``."""
    return _partner(_one(_partners().filter(slug=slug), Kind.PARTNER, slug))


def trust(slug: str, name: str) -> Record:
    """The partner's trust, withdrawn or not. Raises ``NotRegistered``."""
    return _trust(_one(_trusts(slug).filter(name=name), Kind.TRUST, name))


def client(client_id: UUID) -> Record:
    """The client of this id. Raises ``NotRegistered``."""
    return _client(_one(_clients().filter(id=client_id), Kind.CLIENT, str(client_id)))


def target(name: str) -> Record:
    """The target. Raises ``NotRegistered``."""
    return _target(_one(_targets().filter(name=name), Kind.TARGET, name))


def mapping(slug: str, name: str) -> Record:
    """The version of the mapping that is in force; where none is, the newest. An empty ``slug``: one of our own.

    Raises ``NotRegistered``.
    """
    return _mapping(_one(_newest(slug).filter(name=name), Kind.MAPPING, name))


def draft(slug: str, name: str) -> Record:
    """The draft of the mapping. Raises ``NotRegistered`` where nobody is writing one."""
    rows = _mappings(slug).filter(name=name, state=MappingState.DRAFT)
    return _mapping(_one(rows, Kind.MAPPING, f"{name} draft"))


def stamp(slug: str, name: str) -> str:
    """What the services of drafts compare: the condition of the mapping as it is now. For whoever holds its locks."""
    return stamp_of(list(_mappings(slug).filter(name=name).order_by("-version")))


def held(kind: Kind, *names: str) -> None:
    """Lock what a change of this object will lock. Raises ``NotRegistered``. ``names`` are as of the readers above."""
    if kind is Kind.TARGET:
        take_turns()
    elif kind is Kind.MAPPING and not names[0]:
        lookups.take_turns_with_ours()
    elif kind is Kind.CLIENT:
        lookups.client(names[0])
    else:
        lookups.partner(names[0])


def partners(window: Window, *, state: str = "") -> Listing:
    """Partners by slug. One query."""
    rows = _partners().filter(state=state) if state else _partners()
    return _listing(rows, "slug", window, _partner)


def trusts(slug: str, window: Window) -> Listing:
    """The trusts of a partner by name, withdrawn ones among them. Two queries. Raises ``NotRegistered``."""
    _require(slug)
    return _listing(_trusts(slug), "name", window, _trust)


def clients(window: Window, *, partner: str | None = None, client_id: str = "") -> Listing:
    """Clients by ``client_id``: all, of one partner, or of our own (an empty name). Three queries, four with a partner.

    Raises ``NotRegistered`` for a partner that is none.
    """
    rows = _clients()
    if partner:
        _require(partner)
        rows = rows.filter(partner__slug=partner)
    elif partner is not None:
        rows = rows.filter(partner=None)
    return _listing(rows.filter(client_id=client_id) if client_id else rows, "client_id", window, _client)


def targets(window: Window) -> Listing:
    """Targets by name. Two queries."""
    return _listing(_targets(), "name", window, _target)


def mappings(slug: str, window: Window) -> Listing:
    """The mappings of a partner by name, each as ``mapping`` shows it. Two queries. Raises ``NotRegistered``."""
    _require(slug)
    return _listing(_newest(slug), "name", window, _mapping)


def versions(slug: str, name: str, window: Window) -> Listing:
    """Every version of one mapping, newest first; ``after`` is a version. Raises ``NotRegistered``."""
    rows = _mappings(slug).filter(name=name).order_by("-version")
    found = list((rows.filter(version__lt=int(window.after)) if window.after else rows)[: window.size + 1])
    if not found and not window.after:
        raise NotRegistered(Kind.MAPPING, name)
    has_more, found = len(found) > window.size, found[: window.size]
    return Listing(records=tuple(map(_mapping, found)), next=str(found[-1].version) if has_more else "")


def _one(rows: QuerySet[Any], kind: Kind, name: str) -> Any:  # noqa: ANN401 - a row
    row = rows.first()
    if row is None:
        raise NotRegistered(kind, name)
    return row


def _require(slug: str) -> None:
    if slug and not models.Partner.objects.filter(slug=slug).exists():
        raise NotRegistered(Kind.PARTNER, slug)


def _listing(rows: QuerySet[Any], key: str, window: Window, record: Callable[[Any], Record]) -> Listing:
    if window.after:
        rows = rows.filter(**{f"{key}__{'lt' if window.descending else 'gt'}": window.after})
    order = [f"-{key}" if window.descending else key, *rows.query.order_by[1:]]
    found = list(rows.order_by(*order)[: window.size + 1])
    has_more, found = len(found) > window.size, found[: window.size]
    return Listing(records=tuple(map(record, found)), next=getattr(found[-1], key) if has_more else "")


def _partners() -> QuerySet[models.Partner]:
    return models.Partner.objects.select_related("owner", "default_target").order_by("slug")


def _trusts(slug: str) -> QuerySet[models.FederationTrust]:
    rows = models.FederationTrust.objects.select_related("partner", "key_source")
    return rows.filter(partner__slug=slug).order_by("name")


def _clients() -> QuerySet[models.Client]:
    rows = models.Client.objects.select_related("partner", "key_source").prefetch_related("serves", "secrets")
    return rows.order_by("client_id")


def _targets() -> QuerySet[models.Target]:
    return models.Target.objects.prefetch_related("scopes").order_by("name")


def _mappings(slug: str) -> QuerySet[models.ScopeMapping]:
    """Of a partner, or of our own where no partner is named."""
    rows = models.ScopeMapping.objects.select_related("partner", "trust", "target")
    return rows.filter(partner__slug=slug) if slug else rows.filter(partner=None)


def _newest(slug: str) -> QuerySet[models.ScopeMapping]:
    """One row for each name: the version in force, or the newest."""
    in_force = Case(When(state=MappingState.PUBLISHED, then=0), default=1, output_field=IntegerField())
    return _mappings(slug).order_by("name", in_force, "-version").distinct("name")


def _partner(row: models.Partner) -> Record:
    return _record(row, inventory.partner(row))


def _trust(row: models.FederationTrust) -> Record:
    return _record(row, inventory.trust(row), more={"has_introspection_secret": sealed_of(row) is not None})


def _target(row: models.Target) -> Record:
    return _record(row, inventory.target(row), state="active" if row.is_active else "inactive")


def _mapping(row: models.ScopeMapping) -> Record:
    return _record(row, inventory.mapping(row), more={"version": row.version, "author": row.author})


def _client(row: models.Client) -> Record:
    return Record(
        id=row.id,
        declared=inventory.client(row),
        state=row.state,
        created_at=row.created,
        updated_at=row.updated,
        more={"secrets": list(_secrets(row.secrets.all()))},
    )


def _secrets(rows: Iterable[models.ClientSecret]) -> Iterable[dict[str, Any]]:
    """That secrets exist, since when and until when."""
    for row in sorted(rows, key=lambda row: row.slot):
        yield {"slot": row.slot, "created_at": row.created_at, "expires_at": row.expires_at}


def _record(row: Any, declared: Declared, *, state: str = "", more: dict[str, Any] | None = None) -> Record:  # noqa: ANN401
    return Record(
        id=row.id,
        declared=declared,
        state=state or row.state,
        created_at=row.created_at,
        updated_at=row.updated_at,
        more=more or {},
    )
