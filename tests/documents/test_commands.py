"""``manage.py apply`` and ``manage.py export`` as an operator uses them."""

from __future__ import annotations

import getpass
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from audit.models import Event
from partners.models import Partner
from tests.documents import texts

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django_db


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with everything, and the environment its references need."""
    for name, value in texts.ENVIRON.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "acme.yaml").write_text(texts.EVERYTHING)
    return tmp_path


def run(*arguments: object, **options: Any) -> str:
    out = io.StringIO()
    call_command(*map(str, arguments), stdout=out, **options)
    return out.getvalue()


def authors() -> set[str]:
    return {json.loads(text)["actor"]["name"] for text in Event.objects.values_list("canonical", flat=True)}


def test_apply_prints_what_it_did_and_the_audit_names_the_user_of_the_system(place: Path) -> None:
    text = run("apply", "-f", place / "acme.yaml")
    assert text.startswith("create    Target ledger-api\n")
    assert text.rstrip().endswith("5 to create")
    assert authors() == {getpass.getuser()}


def test_a_second_run_says_that_nothing_is_to_change(place: Path) -> None:
    run("apply", "-f", place)
    assert run("apply", "-f", place).rstrip().endswith("Nothing to change.")


def test_the_author_can_be_named(place: Path) -> None:
    run("apply", "-f", place, "--author", "pipeline 4711")
    assert authors() == {"pipeline 4711"}


@pytest.mark.parametrize("author", ["", "  ", "a\nb", "x" * 255])
def test_an_author_that_the_audit_trail_could_not_show_is_refused(place: Path, author: str) -> None:
    with pytest.raises(CommandError, match="--author must be one line"):
        run("apply", "-f", place, f"--author={author}")
    assert not Partner.objects.exists()


def test_a_plan_writes_nothing_and_exits_as_asked(place: Path) -> None:
    text = run("apply", "-f", place, "--plan")
    assert "5 to create\nThis is the plan. Nothing was written." in text
    with pytest.raises(SystemExit) as stopped:
        run("apply", "-f", place, "--plan", "--detailed-exitcode")
    assert stopped.value.code == 2
    assert not Partner.objects.exists()
    run("apply", "-f", place)
    run("apply", "-f", place, "--plan", "--detailed-exitcode")


def test_faults_are_all_printed_and_nothing_is_written(place: Path) -> None:
    (place / "b.yaml").write_text(texts.PARTNER.replace("title", "titel").replace("kestrel", "osprey"))
    with pytest.raises(CommandError) as refusal:
        run("apply", "-f", place)
    lines = str(refusal.value).splitlines()
    assert lines[0].startswith(f"{place}/b.yaml:1: Partner osprey, title: expected")
    assert lines[-1] == "2 faults. Nothing was written."
    assert not Partner.objects.exists()
    assert not Event.objects.exists()


def test_json_is_for_scripts(place: Path) -> None:
    planned = json.loads(run("apply", "-f", place, "--plan", "--json"))
    written = json.loads(run("apply", "-f", place, "--json"))
    assert planned["written"] is False
    assert written["written"] is True
    assert planned["changes"] == written["changes"]
    assert {"action": "create", "kind": "Trust", "partner": "kestrel", "name": "kestrel-idp"}.items() <= written[
        "changes"
    ][3].items()
    (place / "acme.yaml").write_text("version: 3\nkind: Partner\n")
    out = io.StringIO()
    with pytest.raises(SystemExit) as stopped:
        call_command("apply", "-f", str(place), "--json", stdout=out)
    assert stopped.value.code == 1
    faults = json.loads(out.getvalue())["faults"]
    assert faults[0]["file"] == f"{place}/acme.yaml"
    assert {fault["field"] for fault in faults} == {"version", "name", "title"}


def test_documents_come_from_standard_input_too(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO((place / "acme.yaml").read_text()))
    assert "5 to create" in run("apply", "-f", "-")


def test_pruning_and_reinstating_are_options(place: Path) -> None:
    run("apply", "-f", place)
    only_target = place / "target.yaml"
    only_target.write_text(texts.TARGET)
    assert "suspend   Partner kestrel" in run("apply", "-f", only_target, "--prune")
    assert Partner.objects.get().state == "suspended"
    assert "stays suspended" in run("apply", "-f", place / "acme.yaml")
    assert "state: suspended -> active" in run("apply", "-f", place / "acme.yaml", "--reinstate")


def test_export_writes_what_apply_finds_unchanged(place: Path) -> None:
    run("apply", "-f", place)
    exported = place / "exported.yaml"
    assert run("export", "-o", exported) == ""
    assert exported.read_text() == run("export")
    assert run("apply", "-f", exported).rstrip().endswith("Nothing to change.")


def test_export_of_one_partner_names_an_unknown_one(place: Path) -> None:
    run("apply", "-f", place)
    assert "kind: Partner\nname: kestrel\n" in run("export", "--partner", "kestrel")
    with pytest.raises(CommandError, match="There is no partner named 'osprey'"):
        run("export", "--partner", "osprey")


def test_an_unwritable_place_is_one_clear_line(place: Path) -> None:
    with pytest.raises(CommandError, match="cannot be written: Is a directory"):
        run("export", "-o", place)
