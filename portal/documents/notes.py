"""What is allowed and still worth a second look: notes under a plan, never a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from partners.declarations import DeclaredClient, DeclaredMapping, DeclaredTrust
from partners.vocabulary import GrantType
from portal.documents.writing import is_kept_suspended

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from partners.declarations import Declared
    from partners.inventory import Found, Key
    from portal.documents.reading import Document


def notes_on(documents: Iterable[Document], found: Mapping[Key, Found], *, reinstates: bool) -> Iterator[str]:
    """The notes, in the order of the documents."""
    for document in documents:
        before = found.get(document.key)
        if not reinstates and is_kept_suspended(document.declared, before.declared if before else None):
            yield f"{document.subject} stays suspended. Add --reinstate to bring it back."
        for remark in _remarks(document.declared):
            yield f"{document.subject}: {remark}"


def _remarks(declared: Declared) -> Iterator[str]:
    if isinstance(declared, DeclaredTrust) and not declared.rules and not declared.audiences:
        yield "an audience-only trust: any token of this issuer that is meant for us is accepted. Consider a rule."
    if isinstance(declared, DeclaredMapping) and not (declared.grants or declared.always or declared.scopes_expression):
        yield "grants no scope: its tokens carry an audience and nothing else."
    if (
        isinstance(declared, DeclaredClient)
        and not declared.scopes
        and GrantType.TOKEN_EXCHANGE in declared.grant_types
    ):
        yield "has no scopes, so nothing can be granted to it."
