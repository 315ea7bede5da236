"""From files to declarations: every document's shape is checked, and every fault of every file is found in one go."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from partners import checking
from partners.errors import ConfigurationRefused, Problem, shown
from partners.inventory import key_of
from partners.services import introspections
from partners.services.credentials import STRONG, check_secret
from partners.vocabulary import Kind
from portal.documents import yaml_text
from portal.documents.errors import DocumentsRefused, Fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from partners.declarations import Declared
    from partners.inventory import Key
    from portal.documents.yaml_text import Node

VERSION: Final = 1
MAX_REFERENCED_BYTES: Final = 256 * 1024
SUFFIXES: Final = (".yaml", ".yml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A text with documents, the name messages give it, and the directory its file references start from."""

    name: str
    text: str
    directory: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One object as declared, where it was declared, and the secrets its references led to."""

    file: str
    node: Node
    declared: Declared
    secrets: tuple[str, ...] | None = field(default=None, repr=False)
    introspection_secret: str | None = field(default=None, repr=False)

    @property
    def key(self) -> Key:
        """The identity of the object."""
        return key_of(self.declared)

    @property
    def subject(self) -> str:
        """The object as messages name it."""
        return f"{self.declared.kind} {self.declared.name}"

    def fault(self, problem: Problem) -> Fault:
        """A problem of this document at the line of its field."""
        return _fault(self.file, self.node, self.subject, problem)

    def complaint(self, message: str) -> Fault:
        """A fault of the document as a whole."""
        return Fault(file=self.file, line=self.node.line, subject=self.subject, message=message)


def sources(paths: Iterable[str]) -> list[Source]:
    """The texts of files, of the YAML files below directories, and of standard input (``-``).

    Raises ``DocumentsRefused``.
    """
    found: list[Source] = []
    faults: list[Fault] = []
    for path in paths:
        try:
            found.extend(_texts(path))
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            faults.append(Fault(file=path, line=1, message=f"The file cannot be read: {reason}."))
    if faults:
        raise DocumentsRefused(faults)
    return found


def read_documents(texts: Iterable[Source], environ: Mapping[str, str]) -> list[Document]:
    """The documents of all texts, each checked on its own. Raises ``DocumentsRefused`` with every fault."""
    faults: list[Fault] = []
    documents: list[Document] = []
    for source in texts:
        try:
            nodes = yaml_text.read(source.text)
        except yaml_text.NotReadable as error:
            faults.append(Fault(file=source.name, line=error.line, message=str(error)))
            continue
        for node in nodes:
            try:
                documents.append(_Reader(source, environ, node).document())
            except DocumentsRefused as refused:
                faults.extend(refused.faults)
    faults.extend(_repeated(documents))
    if faults:
        raise DocumentsRefused(faults)
    return documents


def _texts(path: str) -> Iterator[Source]:
    if path == "-":
        yield Source(name="standard input", text=sys.stdin.read(), directory=Path.cwd())
        return
    place = Path(path)
    files = sorted(file for file in place.rglob("*") if file.suffix in SUFFIXES) if place.is_dir() else [place]
    for file in files:
        size = file.stat().st_size
        text = file.read_text(encoding="utf-8") if size <= yaml_text.MAX_BYTES else " " * (yaml_text.MAX_BYTES + 1)
        yield Source(name=str(file), text=text, directory=file.parent)


def _repeated(documents: list[Document]) -> Iterator[Fault]:
    first: dict[Key, Document] = {}
    for document in documents:
        other = first.setdefault(document.key, document)
        if other is not document:
            yield document.complaint(f"It is declared already at {other.file}:{other.node.line}. Keep one.")


def _fault(file: str, node: Node, subject: str, problem: Problem) -> Fault:
    came = f"; {problem.came} came" if problem.came else ""
    return Fault(
        file=file,
        line=node.find(problem.path).line,
        subject=subject,
        field=problem.field,
        message=f"expected {problem.expected}{came}",
    )


class _Reader:
    """One document on its way from a node to a declaration."""

    def __init__(self, source: Source, environ: Mapping[str, str], node: Node) -> None:
        self._source = source
        self._environ = environ
        self._node = node
        self._subject = ""
        self._problems: list[Problem] = []

    def document(self) -> Document:
        """The document. Raises ``DocumentsRefused`` with all that is wrong with it."""
        fields, kind = self._header()
        secrets = self._secrets(fields.pop("secrets")) if kind is Kind.CLIENT and "secrets" in fields else None
        introspection_secret = self._introspection_secret(fields.get("introspection"))
        self._load_keys(fields)
        try:
            declared = checking.read(kind, fields)
            self._problems.extend(checking.problems(declared))
        except ConfigurationRefused as refused:
            self._problems.extend(refused.problems)
        self._raise_any()
        return Document(
            file=self._source.name,
            node=self._node,
            declared=declared,
            secrets=secrets,
            introspection_secret=introspection_secret,
        )

    def _header(self) -> tuple[dict[str, Any], Kind]:
        """The fields of the object itself, and its kind, by which alone they can be judged."""
        fields = self._node.plain()
        if not isinstance(fields, dict):
            self._object((), "a document: a mapping with version, kind and name", shown(fields))
            self._raise_any()
        version, kind = fields.pop("version", None), fields.pop("kind", None)
        self._subject = f"{kind} {fields.get('name')}" if isinstance(kind, str) else ""
        if version != VERSION or isinstance(version, bool):
            self._object(("version",), f"{VERSION}, the only version there is", shown(version))
        if kind not in set(Kind):
            self._object(("kind",), f"one of {', '.join(Kind)}", shown(kind))
            self._raise_any()
        return fields, Kind(kind)

    def _secrets(self, references: object) -> tuple[str, ...]:
        """The secrets that references lead to. A secret written into the document is refused, and not repeated."""
        if not isinstance(references, list) or len(references) not in {1, 2}:
            self._object(("secrets",), "a list of one or two references, such as [{env: NAME}] or [{file: PATH}]")
            return ()
        found = []
        for index, reference in enumerate(references):
            path = ("secrets", index)
            secret = self._resolve(reference, path)
            if secret is not None and not check_secret(secret):
                self._object(path, STRONG)
            found.append(secret or "")
        if len(set(found)) < len(found):
            self._object(("secrets",), "two different secrets")
        return tuple(found)

    def _introspection_secret(self, introspection: object) -> str | None:
        """Our secret at an issuer's endpoint, taken out of the document; None where it names none."""
        if not isinstance(introspection, dict) or "secret" not in introspection:
            return None
        path = ("introspection", "secret")
        secret = self._resolve(introspection.pop("secret"), path)
        if secret is not None and not introspections.check_secret(secret):
            self._object(path, introspections.SECRET)
        return secret

    def _resolve(self, reference: object, path: tuple[str | int, ...]) -> str | None:
        match reference:
            case {"env": str(name), **others} if not others:
                if name not in self._environ:
                    self._object(path, f"the environment variable {name}, which is not set")
                return self._environ.get(name)
            case {"file": str(name), **others} if not others:
                text = self._read_file(name, path)
                return None if text is None else text.strip()
        self._object(path, "a reference: {env: NAME} or {file: PATH}; secrets are never written into documents")
        return None

    def _load_keys(self, fields: dict[str, Any]) -> None:
        match fields.get("trust_anchors"):
            case {"file": str(name), **others} if not others:
                fields["trust_anchors"] = self._read_file(name, ("trust_anchors",))
        self._load_key_set(fields, ("jwks",))
        if isinstance(fields.get("workload"), dict):
            self._load_key_set(fields["workload"], ("workload", "jwks"))

    def _load_key_set(self, fields: dict[str, Any], path: tuple[str, ...]) -> None:
        match fields.get("jwks"):
            case {"file": str(name), **others} if not others:
                text = self._read_file(name, path)
                fields["jwks"] = None if text is None else self._parse(name, text, path)

    def _parse(self, name: str, text: str, path: tuple[str, ...]) -> dict[str, Any] | None:
        with suppress(json.JSONDecodeError, RecursionError):
            document = json.loads(text)
            if isinstance(document, dict):
                return document
        self._object(path, f"a file that holds a JSON object; {name} does not")
        return None

    def _read_file(self, name: str, path: tuple[str | int, ...]) -> str | None:
        try:
            with (self._source.directory / name).open("rb") as file:
                text = file.read(MAX_REFERENCED_BYTES + 1)
            if len(text) > MAX_REFERENCED_BYTES:
                self._object(path, f"a file of at most {MAX_REFERENCED_BYTES // 1024} KiB; {name} is larger")
                return None
            return text.decode()
        except OSError as error:
            self._object(path, f"a file that can be read; {name} cannot: {error.strerror}")
        except ValueError:
            self._object(path, f"a text file; {name} is not UTF-8")
        return None

    def _object(self, path: tuple[str | int, ...], expected: str, came: str = "") -> None:
        self._problems.append(Problem(path=path, expected=expected, came=came))

    def _raise_any(self) -> None:
        if self._problems:
            found = (_fault(self._source.name, self._node, self._subject, problem) for problem in self._problems)
            raise DocumentsRefused(found)
