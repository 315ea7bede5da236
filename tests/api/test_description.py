"""The description of the API: it is OpenAPI, it is complete, its examples hold, and the page in ``docs`` is in step."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from django.conf import settings
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.validation import validate_schema
from openapi_spec_validator import validate

from partners import checking
from partners.vocabulary import Kind
from portal.api import description
from portal.api.body_shapes import BODIES, SHAPES
from portal.api.examples import EXAMPLES
from portal.api.reading import read
from portal.api.urls import ADDRESSES

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import TypeAdapter

    from tests.api.conftest import Bearer


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return description.document()


def test_it_is_openapi_3_1_and_made_without_a_warning(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    validate(document)
    validate_schema(document)
    assert not GENERATOR_STATS, (GENERATOR_STATS._warn_cache, GENERATOR_STATS._error_cache)


def test_its_paths_are_the_addresses_and_its_methods_what_they_take(document: dict[str, Any]) -> None:
    addresses = {}
    for address in ADDRESSES:
        view: Any = address.callback
        path = re.sub(r"<\w+:(\w+)>", r"{\1}", str(address.pattern))
        addresses[f"/api/v1/{path}"] = {method.lower() for method in view.cls.needs}
    assert {path: set(item) for path, item in document["paths"].items()} == addresses


def test_every_method_says_which_permission_it_takes_and_every_operation_has_a_name(document: dict[str, Any]) -> None:
    names = []
    for address in ADDRESSES:
        view: Any = address.callback
        path = re.sub(r"<\w+:(\w+)>", r"{\1}", str(address.pattern))
        for method, permission in view.cls.needs.items():
            operation = document["paths"][f"/api/v1/{path}"][method.lower()]
            assert permission is None or f"`{permission}`" in operation["description"]
            assert operation["summary"]
            names.append(operation["operationId"])
    assert len(names) == len(set(names))


def test_the_page_in_the_documentation_is_in_step() -> None:
    page = (Path(settings.BASE_DIR) / "docs" / "openapi-api.yaml").read_text(encoding="utf-8")
    assert page == description.page()
    assert yaml.safe_load(page)["paths"]


def test_the_api_serves_its_own_description(bearer: Callable[..., Bearer], document: dict[str, Any]) -> None:
    assert bearer("clerk").call("GET", "openapi.json").json() == document


@pytest.mark.parametrize("kind", list(Kind))
def test_the_examples_are_accepted(kind: Kind) -> None:
    fixed = {"partner": "osprey"} if kind in {Kind.TRUST, Kind.MAPPING} else {}
    made = checking.read(kind, {**EXAMPLES[f"New{kind}"], **fixed})
    checking.require_right(made)
    changed = checking.read(kind, {**EXAMPLES[f"New{kind}"], **fixed, **EXAMPLES[f"{kind}Change"]})
    checking.require_right(changed)


@pytest.mark.parametrize(("name", "of"), BODIES.items())
def test_the_examples_of_the_description_are_read_as_they_are_described(name: str, of: TypeAdapter[Any]) -> None:
    shape = SHAPES[name]
    assert set(shape.get("required", ())) <= EXAMPLES[name].keys() <= shape["properties"].keys()
    value = read(of, EXAMPLES[name])
    assert {member: getattr(value, member) for member in EXAMPLES[name]}
