"""Drafts of mappings: written, seen by a second person, published, and never over somebody else's work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from partners import inventory, services
from partners.changes import Change, changing
from partners.drafts import compare, work
from partners.errors import (
    ChangedMeanwhile,
    ConfigurationRefused,
    IllegalTransition,
    SecondPersonNeeded,
    SeveralRefused,
)
from partners.models import Partner
from partners.vocabulary import Kind
from tests.partners import examples

if TYPE_CHECKING:
    from collections.abc import Callable

    from partners.drafts import Work

KEY = (Kind.MAPPING, "kestrel", "to-ledger")


def present(name: str = "to-ledger") -> Work:
    return work(Partner.objects.get(slug="kestrel").id, name)


def save(change: Change, **fields: Any) -> None:
    services.save_draft(change, examples.mapping(**fields), seen=present().stamp)


def publish(change: Change) -> None:
    services.publish_draft(change, "kestrel", "to-ledger", seen=present().stamp)


def states() -> list[tuple[int, str]]:
    return [(version.version, version.state) for version in present().versions]


def test_a_draft_is_not_in_force_until_a_second_person_publishes_it(
    registered: Change, events: Callable[[], list[dict[str, Any]]]
) -> None:
    save(registered, position=7)
    assert states() == [(2, "draft"), (1, "published")]
    found = inventory.everything()[KEY].declared
    assert found == examples.mapping()
    publish(Change(examples.SECOND))
    assert states() == [(2, "published"), (1, "superseded")]
    assert inventory.everything()[KEY].declared == examples.mapping(position=7)
    drafted, published = events()[-2:]
    assert (drafted["kind"], published["kind"]) == ("mapping.drafted", "mapping.published")
    assert drafted["data"]["fields"] == {"position": {"old": 100, "new": 7}}
    assert published["actor"]["name"] == "grace@meridian.example"
    assert published["data"]["fields"]["author"]["new"] == "ada@meridian.example"


def test_its_author_does_not_publish_it(registered: Change) -> None:
    save(registered, position=7)
    with pytest.raises(SecondPersonNeeded, match="so somebody else has to publish to-ledger"):
        publish(registered)
    assert states() == [(2, "draft"), (1, "published")]


def test_before_the_activation_its_author_publishes_it_and_the_activation_asks_for_the_second(change: Change) -> None:
    services.register_target(change, examples.target(is_test=True))
    services.register_partner(change, examples.partner())
    services.add_trust(change, examples.trust())
    services.save_draft(change, examples.mapping(), seen="")
    publish(change)
    assert states() == [(1, "published")]
    examples.record_test()
    services.pass_test(change, "kestrel")
    with pytest.raises(SecondPersonNeeded):
        services.activate_partner(change, "kestrel")


def test_a_draft_does_not_void_a_test_that_was_passed(change: Change) -> None:
    services.register_target(change, examples.target(is_test=True))
    services.register_partner(change, examples.partner())
    services.add_trust(change, examples.trust())
    examples.record_test()
    services.pass_test(change, "kestrel")
    services.save_draft(change, examples.mapping(), seen="")
    assert Partner.objects.get(slug="kestrel").state == "tested"


def test_a_draft_is_written_over_by_who_saw_it_and_by_nobody_else(registered: Change) -> None:
    first = present().stamp
    services.save_draft(registered, examples.mapping(position=7), seen=first)
    second = present().stamp
    with pytest.raises(ChangedMeanwhile, match=r"was changed by ada@meridian\.example since you opened it"):
        services.save_draft(Change(examples.SECOND), examples.mapping(position=8), seen=first)
    services.save_draft(Change(examples.SECOND), examples.mapping(position=8), seen=second)
    draft = present().draft
    assert draft
    assert (draft.declared.position, draft.author, draft.version) == (8, "grace@meridian.example", 2)


def test_a_version_that_a_document_published_meanwhile_is_seen_before_the_draft_is_published(
    registered: Change,
) -> None:
    save(registered, position=7)
    seen = present().stamp
    services.publish_mapping(registered, examples.mapping(position=9))
    with pytest.raises(ChangedMeanwhile):
        services.publish_draft(Change(examples.SECOND), "kestrel", "to-ledger", seen=seen)
    save(registered, position=7)
    publish(Change(examples.SECOND))
    current = present().current
    assert current
    assert current.declared.position == 7


def test_what_a_draft_names_is_looked_up_again_when_it_is_published(registered: Change) -> None:
    services.add_trust(registered, examples.trust(name="other", issuer="https://other.kestrel.example"))
    save(registered, trust="other")
    services.withdraw_trust(registered, "kestrel", "other")
    with pytest.raises(ConfigurationRefused, match="trust"):
        publish(Change(examples.SECOND))
    assert (1, "published") in states()


def test_a_draft_that_could_not_be_published_is_not_saved(registered: Change) -> None:
    with pytest.raises(ConfigurationRefused, match="scopes of target ledger-api"):
        save(registered, always=("nothing:here",))
    assert states() == [(1, "published")]


def test_several_first_drafts_are_saved_together_each_with_an_event_of_its_own(
    registered: Change, events: Callable[[], list[dict[str, Any]]]
) -> None:
    services.save_first_drafts(registered, [examples.mapping(name="first"), examples.mapping(name="second")])
    assert [present(name).draft is not None for name in ("first", "second")] == [True, True]
    assert [(event["kind"], event["data"]["name"]) for event in events()[-2:]] == [
        ("mapping.drafted", "first"),
        ("mapping.drafted", "second"),
    ]


def test_where_one_of_several_drafts_is_refused_none_is_saved_and_each_is_told_why(registered: Change) -> None:
    drafts = [examples.mapping(name="fresh"), examples.mapping(), examples.mapping(name="odd", target="nowhere")]
    with pytest.raises(SeveralRefused) as caught, changing(registered.actor) as change:
        services.save_first_drafts(change, drafts)
    assert {name: type(error) for name, error in caught.value.errors.items()} == {
        "to-ledger": ChangedMeanwhile,
        "odd": ConfigurationRefused,
    }
    assert not present("fresh").versions
    assert states() == [(1, "published")]


def test_a_discarded_draft_leaves_what_is_in_force(registered: Change) -> None:
    save(registered, position=7)
    services.discard_draft(registered, "kestrel", "to-ledger", seen=present().stamp)
    assert states() == [(1, "published")]
    with pytest.raises(IllegalTransition, match="has no draft"):
        publish(Change(examples.SECOND))


def test_nothing_of_an_offboarded_partner_is_published(registered: Change) -> None:
    save(registered, position=7)
    services.offboard_partner(registered, "kestrel")
    with pytest.raises(IllegalTransition, match="offboarded, which is final"):
        publish(Change(examples.SECOND))


def test_two_versions_are_compared_field_by_field_with_the_differences_first() -> None:
    compared = compare(examples.mapping(), examples.mapping(position=7, max_depth=2))
    assert [(field.field, field.before, field.after) for field in compared if field.differs] == [
        ("position", 100, 7),
        ("max_depth", 1, 2),
    ]
    assert [field.differs for field in compared][:3] == [True, True, False]
