"""From text to declarations: every fault with file, line, field, what was expected and what came."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from partners.vocabulary import Kind
from portal.documents import yaml_text
from portal.documents.errors import DocumentsRefused
from portal.documents.reading import read_documents, sources
from tests.documents import texts
from tests.partners import examples

if TYPE_CHECKING:
    from pathlib import Path


def refused(text: str, directory: Path | None = None) -> list[str]:
    """The faults of a text, as a person reads them."""
    source = texts.source(text, directory=directory) if directory else texts.source(text)
    with pytest.raises(DocumentsRefused) as refusal:
        read_documents([source], texts.ENVIRON)
    return str(refusal.value).splitlines()


def test_documents_of_every_kind_are_read_in_any_order() -> None:
    documents = read_documents([texts.source(texts.EVERYTHING)], texts.ENVIRON)
    assert [document.declared.kind for document in documents] == [
        Kind.MAPPING,
        Kind.CLIENT,
        Kind.TRUST,
        Kind.TARGET,
        Kind.PARTNER,
    ]
    assert documents[1].secrets == (texts.ENVIRON["KESTREL_SECRET"],)
    assert documents[2].node.line == 20


@pytest.mark.parametrize(
    ("base", "old", "new", "line", "field", "message"),
    [
        (
            texts.TARGET,
            "audience: https",
            "audiance: https",
            4,
            "audiance",
            "a field of this kind; there is none of that name",
        ),
        (
            texts.TARGET,
            "risk: high",
            "risk: extreme",
            7,
            "scopes.ledger:write.risk",
            "one of 'low', 'moderate', 'high' or 'critical'; \"extreme\" came",
        ),
        (
            texts.TARGET,
            "name: ledger-api",
            "name: Ledger API",
            3,
            "name",
            '1 to 63 lower-case letters, digits and hyphens, no hyphen at the ends; "Ledger API" came',
        ),
        (
            texts.TARGET,
            "name: ledger-api",
            "name: ledger-api\nlifetime: 2h",
            4,
            "lifetime",
            'a duration from 30s to 1h; "2h" came',
        ),
        (
            texts.TARGET,
            "name: ledger-api",
            "name: ledger-api\nlifetime: 300",
            4,
            "lifetime",
            "a duration: a whole number and s, m, h or d, such as 300s or 5m; 300 came",
        ),
        (
            texts.TARGET,
            "name: ledger-api",
            "name: ledger-api\nis_active: yes",
            4,
            "is_active",
            'true or false; "yes" came',
        ),
        (
            texts.TARGET,
            "kind: Target",
            "kind: Tarjet",
            2,
            "kind",
            'one of Target, Partner, Client, Trust, Mapping; "Tarjet" came',
        ),
        (texts.TARGET, "version: 1", "version: 2", 1, "version", "1, the only version there is; 2 came"),
        (texts.TARGET, "version: 1\n", "", 1, "version", "1, the only version there is; null came"),
        (
            texts.PARTNER,
            "state: active",
            "review_due_on: soon",
            5,
            "review_due_on",
            'a date such as 2027-03-31; "soon" came',
        ),
        (
            texts.TRUST,
            "operator: equals",
            "operator: resembles",
            7,
            "rules[0].operator",
            "one of 'equals', 'one_of', 'matches', 'exists' or 'contains'; \"resembles\" came",
        ),
        (
            texts.TRUST,
            "operator: equals, value: kestrel",
            "operator: matches, value: '(a)\\1'",
            7,
            "rules[0]",
            (
                "a rule that can be evaluated: pattern '(a)\\\\1' is not RE2 syntax (no back-references, no"
                " look-around): invalid escape sequence: \\1"
            ),
        ),
        (
            texts.MAPPING,
            "default_scopes:",
            "condition: claims.tier\ndefault_scopes:",
            10,
            "condition",
            (
                "an expression that can be evaluated: it gives dyn; it must give true or false, such as claims.tier =="
                " 'gold'; \"claims.tier\" came"
            ),
        ),
        (
            texts.MAPPING,
            "default_scopes:",
            "claims:\n  unit: claims.unit\n  sub: claims.sub\ndefault_scopes:",
            12,
            "claims.sub",
            (
                "the name of a claim: 1 to 63 lower-case letters, digits and underscores, a letter first; no claim that"
                ' has a meaning here; "sub" came'
            ),
        ),
        (
            texts.TRUST,
            "value: kestrel",
            "value: 1.5",
            7,
            "rules[0]",
            "a rule that can be evaluated: equals takes a string, an integer or a boolean, not float",
        ),
        (
            texts.TRUST,
            "value: kestrel",
            "value: 123456789012345678",
            7,
            "rules[0].value",
            "printable text, or a whole number of at most 53 bits (RFC 8785); 123456789012345678 came",
        ),
        (
            texts.TRUST,
            "issuer: https:",
            "issuer: http:",
            5,
            "issuer",
            (
                "an https URL; plain http is only for an IP address inside HANDOVER_OUTBOUND_ALLOW;"
                ' "http://login.kestrel.example" came'
            ),
        ),
        (
            texts.TRUST,
            "issuer: https://login",
            "algorithms: [ES256, HS256]\nissuer: https://login",
            5,
            "algorithms[1]",
            (
                "one of 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512',"
                " 'EdDSA' or 'Ed25519'; \"HS256\" came"
            ),
        ),
        (
            texts.TRUST,
            "issuer: https://login",
            "max_depth: 5\nissuer: https://login",
            5,
            "max_depth",
            "a whole number from 0 to 4; 5 came",
        ),
        (
            texts.MAPPING,
            "default_scopes: [ledger:read]",
            "default_scopes: [ledger:write]",
            10,
            "default_scopes",
            'scopes that grants or always can give; ["ledger:write"] came',
        ),
        (
            texts.MAPPING,
            "  ledger: [ledger:read]",
            "  ledger: [ledger:read, ledger:read]",
            9,
            "grants.ledger",
            'a list that holds each value once; ["ledger:read", "ledger:read"] came',
        ),
        (texts.CLIENT, "name: kestrel-settlement", "name: 5", 3, "name", "text; 5 came"),
    ],
)
def test_a_wrong_line_is_named_with_field_expectation_and_value(
    base: str, old: str, new: str, line: int, field: str, message: str
) -> None:
    assert old in base
    with pytest.raises(DocumentsRefused) as refusal:
        read_documents([texts.source(base.replace(old, new))], texts.ENVIRON)
    fault = refusal.value.faults[-1]
    assert (fault.line, fault.field, fault.message) == (line, field, f"expected {message}")


def test_a_misspelt_field_is_one_fault_and_the_missing_one_another() -> None:
    assert refused(texts.TARGET.replace("audience", "audiance")) == [
        "acme.yaml:1: Target ledger-api, audience: expected a value: the field is required; nothing came",
        "acme.yaml:4: Target ledger-api, audiance: expected a field of this kind; there is none of that name",
    ]


def test_all_faults_of_all_documents_are_reported_together_in_order() -> None:
    text = texts.EVERYTHING.replace("issuer: https:", "issuer: gopher:").replace("title: Kestrel Payments\n", "")
    lines = refused(text.replace("\ntarget: ledger-api", "\ntargets: ledger-api"))
    assert [line.split(": ")[0] for line in lines] == ["acme.yaml:1", "acme.yaml:6", "acme.yaml:24", "acme.yaml:36"]


def test_a_file_that_is_not_yaml_does_not_hide_the_faults_of_another() -> None:
    broken = texts.source("a: [", name="a.yaml")
    wrong = texts.source(texts.PARTNER.replace("title", "titel"), name="b.yaml")
    with pytest.raises(DocumentsRefused) as refusal:
        read_documents([broken, wrong], {})
    assert [(fault.file, fault.line) for fault in refusal.value.faults] == [("a.yaml", 2), ("b.yaml", 1), ("b.yaml", 4)]


def test_an_object_declared_twice_is_a_fault_at_the_second_place() -> None:
    other = texts.source(texts.TARGET, name="b.yaml")
    with pytest.raises(DocumentsRefused, match=r"b\.yaml:1: Target ledger-api: It is declared already at acme\.yaml:1"):
        read_documents([texts.source(texts.TARGET), other], {})


def test_two_partners_may_use_the_same_name_for_a_trust() -> None:
    text = "---\n".join((texts.TRUST, texts.TRUST.replace("partner: kestrel", "partner: fjord")))
    assert len(read_documents([texts.source(text)], {})) == 2


@pytest.mark.parametrize("text", ["- a\n", "just words\n", "12\n", "{}\n"])
def test_a_document_that_is_no_object_is_refused(text: str) -> None:
    assert refused(text)[0].startswith("acme.yaml:1:")


class TestSecretsAndFiles:
    def secrets(self, text: str) -> str:
        return texts.CLIENT.replace("[{env: KESTREL_SECRET}]", text)

    def test_a_secret_written_into_the_document_is_refused_and_not_repeated(self) -> None:
        (line,) = refused(self.secrets(f"[{examples.SECRET}]"))
        assert "secrets[0]: expected a reference" in line
        assert examples.SECRET not in line

    def test_a_secret_under_a_wrong_field_is_refused_and_not_repeated(self) -> None:
        lines = refused(texts.CLIENT + f"client_secret: {examples.SECRET}\n")
        assert examples.SECRET not in "\n".join(lines)

    def test_an_unset_variable_is_named(self) -> None:
        (line,) = refused(self.secrets("[{env: NOWHERE}]"))
        assert line.endswith("secrets[0]: expected the environment variable NOWHERE, which is not set")

    @pytest.mark.parametrize("weak", ["hunter2", "a" * 50, ""])
    def test_a_weak_secret_is_refused_with_the_way_to_make_a_strong_one(self, weak: str, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text(weak)
        (line,) = refused(self.secrets("[{file: secret}]"), tmp_path)
        assert "at least 43 base64url characters" in line
        assert "openssl rand" in line
        assert not weak or f" {weak}" not in line

    def test_a_secret_comes_from_a_file_beside_the_document(self, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text(examples.SECRET + "\n")
        text = self.secrets("[{file: secret}]")
        (document,) = read_documents([texts.source(text, directory=tmp_path)], {})
        assert document.secrets == (examples.SECRET,)
        assert examples.SECRET not in repr(document)

    def test_a_file_that_is_missing_too_large_or_binary_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "large").write_bytes(b"x" * 300_000)
        (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
        for name, reason in [
            ("absent", "cannot: No such file or directory"),
            ("large", "at most 256 KiB"),
            ("binary", "is not UTF-8"),
        ]:
            (line,) = refused(self.secrets(f"[{{file: {name}}}]"), tmp_path)
            assert reason in line

    @pytest.mark.parametrize("references", ["[]", "{env: A}", "[{env: A}, {env: B}, {env: C}]", "text"])
    def test_secrets_are_a_list_of_one_or_two_references(self, references: str) -> None:
        (line,) = refused(self.secrets(references))
        assert "a list of one or two references" in line

    def test_the_same_secret_twice_is_one_secret_too_few(self) -> None:
        (line,) = refused(self.secrets("[{env: KESTREL_SECRET}, {env: KESTREL_SECRET}]"))
        assert "two different secrets" in line

    def test_a_reference_to_two_places_at_once_is_refused(self) -> None:
        (line,) = refused(self.secrets("[{env: KESTREL_SECRET, file: x}]"))
        assert "expected a reference" in line

    def test_keys_come_from_a_file_beside_the_document(self, tmp_path: Path) -> None:
        keys = examples.jwks()
        (tmp_path / "keys.json").write_text(json.dumps(keys))
        text = texts.TRUST + "jwks: {file: keys.json}\n"
        (document,) = read_documents([texts.source(text, directory=tmp_path)], {})
        assert document.declared.jwks == keys  # type: ignore[union-attr]

    @pytest.mark.parametrize(
        "text", ["{", "[" * 100_000, '"text"', "[]", "null", '{"keys": [{"kty": "oct", "k": "AA"}]}']
    )
    def test_a_key_file_that_holds_no_key_set_is_refused(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "keys.json").write_text(text)
        assert refused(texts.TRUST + "jwks: {file: keys.json}\n", tmp_path)

    def test_a_private_key_is_refused_and_not_repeated(self) -> None:
        key = examples.private_key(kid="k1")
        lines = refused(texts.TRUST + f"jwks: {json.dumps({'keys': [key]})}\n")
        assert "contains private members" in lines[0]
        assert key["d"] not in lines[0]

    def test_a_private_key_in_the_wrong_shape_is_not_repeated_either(self) -> None:
        key = examples.private_key(kid="k1")
        lines = refused(texts.TRUST + f"jwks: {json.dumps([key])}\n")
        assert key["d"] not in "\n".join(lines)


class TestSources:
    def test_a_directory_stands_for_its_yaml_files_in_order(self, tmp_path: Path) -> None:
        (tmp_path / "partners").mkdir()
        for name in ("b.yaml", "a.yml", "partners/c.yaml", "notes.txt"):
            (tmp_path / name).write_text("a: 1\n")
        found = [source.name.removeprefix(f"{tmp_path}/") for source in sources([str(tmp_path)])]
        assert found == ["a.yml", "b.yaml", "partners/c.yaml"]

    def test_a_missing_file_and_a_binary_one_are_both_named(self, tmp_path: Path) -> None:
        (tmp_path / "binary.yaml").write_bytes(b"\xff")
        with pytest.raises(DocumentsRefused) as refusal:
            sources([str(tmp_path / "absent.yaml"), str(tmp_path / "binary.yaml")])
        assert [fault.message for fault in refusal.value.faults] == [
            "The file cannot be read: No such file or directory.",
            "The file cannot be read: it is not UTF-8.",
        ]

    def test_a_file_over_the_limit_is_not_even_read(self, tmp_path: Path) -> None:
        place = tmp_path / "large.yaml"
        with place.open("wb") as file:
            file.truncate(yaml_text.MAX_BYTES + 1)
        with pytest.raises(DocumentsRefused, match="larger than 5 MiB"):
            read_documents(sources([str(place)]), {})
