"""The configuration in force as documents that ``apply`` reads, and finds unchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from partners.checking import write
from partners.declarations import DeclaredClient, DeclaredTrust
from policy.parties import ClientAuthentication
from portal.documents.reading import VERSION
from portal.documents.yaml_text import scalar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from partners.declarations import Declared

HEADING = "# Configuration of Handover. Apply it with: manage.py apply -f FILE\n"
SECRETS = "# secrets: left out, since only their hashes are kept. Refer to them: [{env: NAME}] or [{file: PATH}]\n"
INTROSPECTION = "# introspection.secret: left out, and kept. To change it, refer to it: {env: NAME} or {file: PATH}\n"
BY_SECRET = {ClientAuthentication.CLIENT_SECRET_BASIC, ClientAuthentication.CLIENT_SECRET_POST}


class _Dumper(yaml.SafeDumper):
    """Writes for ``yaml_text``: text that it would read as something else is quoted, and nothing is an alias."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - PyYAML's signature
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = None if scalar(text) is text else "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def export(declarations: Iterable[Declared]) -> str:
    """The documents' text, with a comment where a client's secrets were left out."""
    return HEADING + "".join(f"---\n{_document(declared)}" for declared in declarations)


def _document(declared: Declared) -> str:
    fields = {"version": VERSION, "kind": declared.kind.value, **_without_nulls(write(declared))}
    text = yaml.dump(fields, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    if isinstance(declared, DeclaredTrust) and declared.introspection is not None:
        return text + INTROSPECTION
    has_secrets = isinstance(declared, DeclaredClient) and BY_SECRET & set(declared.methods)
    return text + (SECRETS if has_secrets else "")


def _without_nulls(value: Any) -> Any:  # noqa: ANN401 - a document's value
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value
