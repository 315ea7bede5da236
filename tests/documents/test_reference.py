"""``docs/configuration.md`` keeps step: its tables are made from the declarations, and its examples apply."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth import get_user_model

from partners.declarations import KINDS
from partners.schema import fields_of
from portal.documents import reference, yaml_text
from portal.documents.applying import Options, apply
from portal.documents.reading import Source, read_documents
from portal.management.commands.apply import Command
from tests.certificates import Authority
from tests.partners import examples

if TYPE_CHECKING:
    from pathlib import Path

TEXT = reference.PAGE.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


def test_the_tables_are_those_of_the_declarations() -> None:
    assert reference.page() == TEXT, "Run: make docs"


def test_every_section_has_its_table() -> None:
    assert sorted(re.findall(r"<!-- fields: (\w+) -->", TEXT)) == sorted(reference.SECTIONS)


@pytest.mark.parametrize("section", sorted(reference.SECTIONS))
def test_every_field_has_a_meaning_and_a_notation(section: str) -> None:
    for field in fields_of(reference.SECTIONS[section]):
        assert field.description.endswith("."), field.name
        assert field.kind
        assert field.expected


@pytest.mark.django_db
def test_every_example_of_the_page_applies_cleanly_and_then_changes_nothing(tmp_path: Path) -> None:
    get_user_model().objects.create(email="noor.haddad@meridian.example")
    (tmp_path / "ledger-resource-server.secret").write_text(examples.OTHER_SECRET)
    for name in ("borealis.pem", "borealis-hosts.pem"):
        (tmp_path / name).write_text(Authority().pem)
    sources = [Source(name=f"{n}.yaml", text=text, directory=tmp_path) for n, text in enumerate(EXAMPLES)]
    documents = read_documents(sources, {"ACME_SECRET": examples.SECRET})
    assert all(step.action == "create" for step in apply(documents, examples.ADMIN, Options()).steps)
    assert not apply(documents, examples.ADMIN, Options()).has_changes


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_field_of_every_kind_has_an_example(kind: str) -> None:
    used = {
        name
        for text in EXAMPLES
        for node in yaml_text.read(text)
        if isinstance(document := node.plain(), dict) and document["kind"] == kind
        for name in document
    }
    expected = {field.name for field in fields_of(KINDS[kind])} | {"version", "kind"}  # type: ignore[index]
    assert expected <= used


def test_every_option_of_apply_is_documented() -> None:
    parser = Command().create_parser("manage.py", "apply")
    known = {"--file", "--plan", "--detailed-exitcode", "--prune", "--reinstate", "--author", "--json"}
    found = {option for action in parser._actions for option in action.option_strings if option in known}
    assert found == known
    assert all(f"`{option}" in TEXT for option in known - {"--file"})
