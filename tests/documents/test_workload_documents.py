"""Documents of clients that their platform vouches for: keys from a file, and what is wrong with them at its line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from portal.documents.errors import DocumentsRefused
from portal.documents.reading import read_documents
from tests.documents import texts
from tests.partners import examples

if TYPE_CHECKING:
    from pathlib import Path

CLIENT = """\
version: 1
kind: Client
name: kestrel-pipeline
partner: kestrel
methods: [workload_jwt]
workload:
  issuer: https://gitlab.kestrel.example
  jwks: {file: keys.json}
  rules:
    - {claim: project_path, operator: equals, value: kestrel/settle}
"""


def refused(text: str, directory: Path) -> list[str]:
    with pytest.raises(DocumentsRefused) as refusal:
        read_documents([texts.source(text, directory=directory)], {})
    return [str(fault) for fault in refusal.value.faults]


def test_the_keys_of_a_platform_come_from_a_file_beside_the_document(tmp_path: Path) -> None:
    keys = examples.jwks()
    (tmp_path / "keys.json").write_text(json.dumps(keys))
    (document,) = read_documents([texts.source(CLIENT, directory=tmp_path)], {})
    assert document.declared.workload.jwks == keys  # type: ignore[union-attr]


@pytest.mark.parametrize("text", ["[]", "{", '{"keys": []}'])
def test_a_file_that_holds_no_key_set_is_named_with_the_field_that_refers_to_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "keys.json").write_text(text)
    (line,) = refused(CLIENT, tmp_path)
    assert line.startswith("acme.yaml:8: Client kestrel-pipeline, workload.jwks")


def test_a_private_key_of_a_platform_is_refused_and_not_repeated(tmp_path: Path) -> None:
    key = examples.private_key(kid="k1")
    for document in ({"keys": [key]}, {"keys": key}):
        (tmp_path / "keys.json").write_text(json.dumps(document))
        lines = refused(CLIENT, tmp_path)
        assert lines
        assert key["d"] not in "\n".join(lines)


def test_a_platform_without_rules_is_refused_at_its_line(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(json.dumps(examples.jwks()))
    head = CLIENT.partition("  rules:")[0]
    (missing,) = refused(head, tmp_path)
    assert "workload.rules: expected a value: the field is required" in missing
    (empty,) = refused(f"{head}  rules: []\n", tmp_path)
    assert empty.startswith("acme.yaml:9: Client kestrel-pipeline, workload.rules: expected at least one rule")
