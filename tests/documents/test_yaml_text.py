"""Reading YAML: lines, surprises, and bounds."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.documents import yaml_text
from portal.documents.yaml_text import NotReadable, read


def plain(text: str) -> list[object]:
    return [node.plain() for node in read(text)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("NO", "NO"),
        ("true", True),
        ("false", False),
        ("True", "True"),
        ("~", None),
        ("null", None),
        ("12", 12),
        ("-3", -3),
        ("0", 0),
        ("012", "012"),
        ("0x1F", "0x1F"),
        ("0o17", "0o17"),
        ("1_000", "1_000"),
        ("12:30:00", "12:30:00"),
        ("2027-01-01", "2027-01-01"),
        ("1.5", 1.5),
        (".inf", ".inf"),
        ("1e3", "1e3"),
        ("99999999999999999999", "99999999999999999999"),
        ("'12'", "12"),
        ('"true"', "true"),
        ("!!str 12", "12"),
        ("=", "="),
    ],
)
def test_a_plain_value_means_what_it_looks_like(text: str, value: object) -> None:
    (found,) = plain(f"field: {text}")
    assert found == {"field": value}
    assert type(found["field"]) is type(value)


def test_documents_lists_and_mappings_keep_the_line_they_begin_on() -> None:
    first, second = read("a: 1\nb:\n  - x\n  - c: 2\n    d: 3\n---\n\ne: 5\n")
    assert first.find(("b", 1, "d")).line == 5
    assert second.find(("e",)).line == 8
    assert first.plain() == {"a": 1, "b": ["x", {"c": 2, "d": 3}]}


def test_what_is_missing_is_missing_at_the_last_line_on_the_way() -> None:
    (node,) = read("a: 1\nb:\n  - c: 2\n")
    assert node.find(("b", 0, "absent")).line == 3
    assert node.find(("b", 7)).line == 3
    assert node.find(("absent",)).line == 1


@pytest.mark.parametrize("text", ["", "---\n", "# only a comment\n", "---\n---\n", "~"])
def test_an_empty_document_is_no_document(text: str) -> None:
    assert read(text) == []


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "'a' is given twice"),
        ("a:\n  b: 1\n  b: 2\n", 3, "'b' is given twice"),
        ("a: [1\n", 2, "not YAML"),
        ("a: 1\n\tb: 2\n", 2, "not YAML"),
        ("a: b: c\n", 1, "not YAML"),
        ("a: !!python/object/apply:os.system [ls]\n", 1, "tag"),
        ("\na: !!binary aGVsbG8=\n", 2, "tag"),
        ("a: !custom x\n", 1, "tag"),
        ("? [a, b]\n: 1\n", 1, "plain name"),
        ("x: &x {a: 1}\ny:\n  <<: *x\n", 3, "Merge keys"),
        ("a: *nowhere\n", 1, ""),
        ('a: "\\0"\n', 1, "cannot be stored"),
        ('a: "\\ud800"\n', 1, ""),
        ("a: \x01\n", 1, ""),
        ("%YAML 9.9\n---\na: 1\n", 1, ""),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(text: str, line: int, message: str) -> None:
    with pytest.raises(NotReadable, match=r".") as error:
        read(text)
    assert message in str(error.value)
    assert error.value.line == line


def test_an_alias_is_the_value_it_names() -> None:
    assert plain("a: &x [1, 2]\nb: *x\n") == [{"a": [1, 2], "b": [1, 2]}]


def test_an_anchor_does_not_outlive_its_document() -> None:
    with pytest.raises(NotReadable, match="x"):
        read("a: &x 1\n---\nb: *x\n")


def test_a_billion_laughs_are_stopped_before_they_are_laughed() -> None:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(NotReadable, match="expands to more than"):
        read("\n".join(lines))


def test_an_alias_to_itself_is_refused() -> None:
    with pytest.raises(NotReadable):
        read("a: &x [*x]\n")


@pytest.mark.parametrize("text", ["[" * 5000, "- " * 5000 + "x", "{a: " * 5000])
def test_deep_nesting_is_refused_and_exhausts_nothing(text: str) -> None:
    with pytest.raises(NotReadable):
        read(text)


def test_depth_has_a_bound() -> None:
    deep = "[" * (yaml_text.MAX_DEPTH + 1) + "]" * (yaml_text.MAX_DEPTH + 1)
    assert read(deep)
    with pytest.raises(NotReadable, match="nested more than"):
        read(f"[{deep}]")


def test_many_empty_values_count_too() -> None:
    with pytest.raises(NotReadable, match="expands to more than"):
        read("[" + "[]," * yaml_text.MAX_VALUES + "]")


def test_a_file_over_the_size_limit_is_refused() -> None:
    with pytest.raises(NotReadable, match="larger than 5 MiB"):
        read("a: " + "é" * (yaml_text.MAX_BYTES // 2))


@given(st.text(max_size=200))
def test_any_text_is_either_read_or_refused(text: str) -> None:
    try:
        nodes = read(text)
    except NotReadable:
        return
    json.dumps([node.plain() for node in nodes])


_texts = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), max_size=20)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**9), 10**9) | _texts,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abcdef"), inner, max_size=4),
        max_leaves=12,
    )
)
def test_json_is_yaml_and_reads_as_what_it_is(value: object) -> None:
    assert plain(json.dumps({"value": value}, ensure_ascii=False)) == [{"value": value}]
