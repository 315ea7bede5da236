"""A wrong line of any field of any kind is named: file, line, object, field, and what was expected."""

from __future__ import annotations

import pytest
import yaml

from partners.vocabulary import Kind
from portal.documents.errors import DocumentsRefused
from portal.documents.reading import read_documents
from tests.documents.test_drift import BASE, OTHERWISE
from tests.documents.texts import source

WRONG = "[[1.5]]"
"""Right for no field."""


@pytest.mark.parametrize("kind", list(Kind))
def test_a_wrong_line_is_named_for_each_field_of_each_kind(kind: Kind) -> None:
    for field in OTHERWISE[kind]:
        good = {name: value for name, value in BASE[kind].items() if name != field}
        above = yaml.safe_dump({"version": 1, "kind": kind.value, **good}, sort_keys=False)
        with pytest.raises(DocumentsRefused) as refused:
            read_documents([source(f"{above}{field}: {WRONG}\n", name="acme.yaml")], {})
        (fault,) = refused.value.faults
        assert (fault.file, fault.line) == ("acme.yaml", above.count("\n") + 1), (kind, field)
        assert fault.subject == f"{kind} {BASE[kind]['name']}"
        assert fault.field.startswith(field), (kind, field, fault)
        assert fault.message.startswith("expected "), (kind, field, fault)
