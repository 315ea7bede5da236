"""Values are frozen, maps are total, and what is refused is worded safely."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
from typing import TYPE_CHECKING

import pytest
from msgspec import Struct

import exchange.protocol
import policy
from exchange.protocol.errors import WIRE, OAuthError
from policy.reasons import Reason
from portal.explanations import words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

WIRE_CHARACTERS = frozenset(map(chr, [*range(0x20, 0x22), *range(0x23, 0x5C), *range(0x5D, 0x7F)]))


def value_types(package: ModuleType) -> Iterator[type]:
    """Every dataclass and every struct defined in a package."""
    for module_info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        module = importlib.import_module(module_info.name)
        for _, value in inspect.getmembers(module, inspect.isclass):
            if value.__module__ == module.__name__ and _is_value(value):
                yield value


def _is_value(kind: type) -> bool:
    return dataclasses.is_dataclass(kind) or issubclass(kind, Struct)


@pytest.mark.parametrize("package", [policy, exchange.protocol], ids=["policy", "exchange.protocol"])
def test_every_value_of_the_core_is_frozen_and_slotted(package: ModuleType) -> None:
    types = list(value_types(package))
    assert types
    for value in types:
        if issubclass(value, Struct):
            assert value.__struct_config__.frozen, value
        else:
            assert value.__dataclass_params__.frozen, value  # type: ignore[attr-defined]
            assert "__slots__" in vars(value), value


def test_every_reason_has_its_error_and_its_words() -> None:
    assert set(WIRE) == set(Reason)
    assert set(words.EXPLANATIONS) == set(Reason)


def errors() -> Iterator[type[OAuthError]]:
    yield from {*WIRE.values()}


@pytest.mark.parametrize("error", sorted(errors(), key=str))
def test_what_the_caller_reads_is_fixed_and_within_the_characters_of_rfc_6749(error: type[OAuthError]) -> None:
    assert WIRE_CHARACTERS.issuperset(error.description)
    assert WIRE_CHARACTERS.issuperset(error.error)
    assert not any(reason.value in error.description for reason in Reason)
    assert 400 <= error.status <= 503
