"""A description as a page of YAML, the same each time it is made."""

from __future__ import annotations

from typing import Any

import yaml


class _Plain(yaml.SafeDumper):
    """Writes each object out: an alias is for writers, not for readers."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - PyYAML's contract
        return True


def as_yaml(head: str, document: dict[str, Any]) -> str:
    """The page, after its first line."""
    return head + yaml.dump(_as_plain(document), Dumper=_Plain, sort_keys=False, width=120, allow_unicode=True)


def _as_plain(value: Any) -> Any:  # noqa: ANN401 - any value of JSON
    """Members of enumerations as their text."""
    if isinstance(value, dict):
        return {str(name): _as_plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_as_plain(item) for item in value]
    return str(value) if isinstance(value, str) else value
