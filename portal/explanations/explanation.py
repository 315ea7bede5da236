"""The shape of an explanation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


@dataclass(frozen=True, slots=True)
class Explanation:
    """A reason in words: a title for lists, what happened and why, and what to do. Never shown to the caller."""

    title: _StrPromise
    why: _StrPromise
    remedy: _StrPromise
