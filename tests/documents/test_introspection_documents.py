"""Documents of trusts whose issuer is asked about opaque tokens: the secret comes by reference and never goes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from partners import inventory
from partners.models import FederationTrust
from portal.documents.errors import DocumentsRefused
from portal.documents.exporting import export
from portal.documents.reading import read_documents
from tests.documents import texts
from tests.documents.texts import applied, applied_with

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django_db

SECRET = "what-they-gave-us"
HEAD = texts.TRUST + "introspection:\n  endpoint: https://login.kestrel.example/introspect\n  client_id: meridian\n"
BY_ENVIRONMENT = HEAD + "  secret: {env: THEIRS}\n"


def everything(trust: str) -> str:
    return f"{texts.TARGET}---\n{texts.PARTNER}---\n{trust}"


def kept() -> bytes:
    return bytes(FederationTrust.objects.get().introspection_ciphertext)


def test_a_secret_by_reference_is_sealed_and_applying_it_again_changes_nothing() -> None:
    plan = applied_with({"THEIRS": SECRET}, everything(BY_ENVIRONMENT))
    assert SECRET not in str(plan)
    before = kept()
    assert before
    assert not applied_with({"THEIRS": SECRET}, everything(BY_ENVIRONMENT)).has_changes
    assert kept() == before
    assert applied_with({"THEIRS": "a-newer-one"}, everything(BY_ENVIRONMENT)).has_changes
    assert kept() != before


def test_a_secret_may_come_from_a_file_and_is_no_part_of_the_document(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text(f"{SECRET}\n")
    text = HEAD + "  secret: {file: theirs}\n"
    (document,) = read_documents([texts.source(text, directory=tmp_path)], {})
    assert document.introspection_secret == SECRET
    assert SECRET not in repr(document)


def test_an_export_leaves_the_secret_out_says_so_and_applies_without_it() -> None:
    applied_with({"THEIRS": SECRET}, everything(BY_ENVIRONMENT))
    before = kept()
    text = export(item.declared for item in inventory.everything().values())
    assert "# introspection.secret: left out" in text
    assert SECRET not in text
    assert not applied(text).has_changes
    assert kept() == before


def test_a_trust_without_a_secret_is_refused_at_its_first_document_and_after_a_move() -> None:
    with pytest.raises(DocumentsRefused, match="has no secret for its introspection endpoint"):
        applied(everything(HEAD))
    assert not FederationTrust.objects.exists()
    applied_with({"THEIRS": SECRET}, everything(BY_ENVIRONMENT))
    with pytest.raises(DocumentsRefused, match="has no secret for its introspection endpoint"):
        applied(everything(HEAD.replace("/introspect", "/elsewhere")))
    assert kept()


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        (f"secret: {SECRET}", "secrets are never written into documents"),
        ("secret: {env: ABSENT}", "ABSENT, which is not set"),
        ("secret: {env: EMPTY}", "text of 1 to 512 visible"),
        ("secret: {env: WORDS}", "text of 1 to 512 visible"),
    ],
)
def test_what_is_no_reference_to_a_secret_is_refused_and_not_repeated(reference: str, expected: str) -> None:
    with pytest.raises(DocumentsRefused) as refusal:
        read_documents([texts.source(f"{HEAD}  {reference}\n")], {"EMPTY": "", "WORDS": "two words"})
    (fault,) = refusal.value.faults
    assert (fault.field, expected in fault.message) == ("introspection.secret", True)
    assert SECRET not in str(fault)
