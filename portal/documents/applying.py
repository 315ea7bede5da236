"""Documents into force: one transaction, one change, all or nothing. A rehearsal is the same run, rolled back.

So a plan cannot differ from what applying the same documents to the same configuration does.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from django.db import transaction

from exchange import golden
from partners import inventory, services
from partners.changes import changing
from partners.declarations import DeclaredTarget
from partners.errors import ConfigurationError, ConfigurationRefused
from partners.inventory import key_named
from partners.schema import references
from partners.vocabulary import Kind
from portal.documents.errors import DocumentsRefused, Fault
from portal.documents.notes import notes_on
from portal.documents.plan import Action, Plan, Step, merged
from portal.documents.pruning import PRUNED, prune
from portal.documents.writing import write

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from audit.events import Actor
    from partners.changes import Change
    from partners.inventory import Found, Key
    from partners.services import FieldChange
    from portal.documents.reading import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How documents are applied.

    ``prunes``: suspend or withdraw what the documents lack. ``reinstates``: let a document bring back what was
    suspended; without it a suspension, which may be somebody's answer to an incident, outlives an older file.
    ``is_rehearsal``: find out, and write nothing.
    """

    prunes: bool = False
    reinstates: bool = False
    is_rehearsal: bool = False


class _Rehearsed(Exception):
    """Rolls a rehearsal back; carries its plan out of the transaction."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan


def apply(documents: Sequence[Document], actor: Actor, options: Options) -> Plan:
    """Bring the documents into force and say what was done. Raises ``DocumentsRefused``: then nothing was written."""
    if not documents:
        raise DocumentsRefused([Fault(file="-f", line=1, message="There is no document in these files.")])
    try:
        with changing(actor) as change:
            application = _Application(change, documents, options)
            plan = application.rehearse() if options.is_rehearsal else application.run()
    except _Rehearsed as rehearsed:
        return rehearsed.plan
    return plan


class _Application:
    """One run over the documents, inside the transaction."""

    def __init__(self, change: Change, documents: Sequence[Document], options: Options) -> None:
        order = list(Kind)
        self._change = change
        self._options = options
        self._documents = sorted(documents, key=lambda document: (order.index(document.declared.kind), document.key))
        self._declared = {document.key for document in documents}
        self._found: Mapping[Key, Found] = inventory.everything()
        self._faults: list[Fault] = []
        self._failed: set[Key] = set()
        self._fields: dict[Key, list[FieldChange]] = {}

    def run(self) -> Plan:
        """Write everything, or raise ``DocumentsRefused`` with everything that stands against it."""
        self._check_references()
        self._raise_any()
        for document in self._documents:
            self._write(document)
        for document in self._documents:
            self._withdraw_scopes(document)
        self._raise_any()
        self._require_green()
        pruned = prune(self._change, self._declared, self._found) if self._options.prunes else ()
        steps = tuple(self._step(document) for document in self._documents)
        notes = notes_on(self._documents, self._found, reinstates=self._options.reinstates)
        return Plan(steps=(*steps, *pruned), notes=tuple(notes))

    def _require_green(self) -> None:
        """Raises ``DocumentsRefused`` where golden tokens stand against a mapping among the documents."""
        try:
            golden.require_green(self._change)
        except golden.CasesAreRed as error:
            mapping = next(item for item in self._documents if item.declared.kind is Kind.MAPPING)
            raise DocumentsRefused([mapping.complaint(str(error))]) from error

    def rehearse(self) -> NoReturn:
        """Write everything and roll it back: raises ``_Rehearsed``, or ``DocumentsRefused``."""
        raise _Rehearsed(self.run())

    def _check_references(self) -> None:
        """Each name referred to is declared or in force; with ``prunes``, declared, or it would vanish underneath."""
        for document in self._documents:
            for path, kind, name in references(document.declared):
                key = key_named(document.declared, kind, name)
                if key in self._declared or (key in self._found and not (self._options.prunes and kind in PRUNED)):
                    continue
                known = key in self._found
                expected = f"the name of a {kind} in these documents" + ("" if known else " or in force")
                self._faults.append(
                    Fault(
                        file=document.file,
                        line=document.node.find(path).line,
                        subject=document.subject,
                        field=str(path[0]),
                        message=f"expected {expected}; {name!r} came" + (", which --prune would end" if known else ""),
                    )
                )

    def _write(self, document: Document) -> None:
        """One document; what it refers to and has failed is not held against it."""
        named = references(document.declared)
        excused = {path[0] for path, kind, name in named if key_named(document.declared, kind, name) in self._failed}
        with self._judged(document, excused):
            found = self._found.get(document.key)
            fields = write(self._change, document, found, reinstates=self._options.reinstates)
            self._fields.setdefault(document.key, []).extend(fields)

    def _withdraw_scopes(self, document: Document) -> None:
        """What a target no longer declares, once the new mappings no longer grant it."""
        found = self._found.get(document.key)
        if found is None or self._failed:
            return
        declared, before = document.declared, found.declared
        if isinstance(declared, DeclaredTarget) and isinstance(before, DeclaredTarget):
            for scope in sorted(before.scopes.keys() - declared.scopes.keys()):
                with self._judged(document):
                    fields = services.withdraw_scope(self._change, declared.name, scope)
                    self._fields.setdefault(document.key, []).extend(fields)

    @contextmanager
    def _judged(self, document: Document, excused: Collection[str | int] = ()) -> Iterator[None]:
        """A savepoint around one document: its refusal becomes faults, and the others are still looked at."""
        try:
            with transaction.atomic():
                yield
        except ConfigurationRefused as refused:
            self._failed.add(document.key)
            self._faults.extend(document.fault(item) for item in refused.problems if item.path[0] not in excused)
        except ConfigurationError as error:
            self._failed.add(document.key)
            self._faults.append(document.complaint(str(error)))

    def _step(self, document: Document) -> Step:
        fields = merged(self._fields.get(document.key, ()))
        is_known = document.key in self._found
        action = Action.CREATE if not is_known else Action.CHANGE if fields else Action.UNCHANGED
        return Step(action=action, key=document.key, fields=fields)

    def _raise_any(self) -> None:
        if self._faults:
            raise DocumentsRefused(self._faults)
