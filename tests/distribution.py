"""Who runs which test, as a pytest plugin: a file stays with one worker, and what takes longest is begun first.

A file's servers and browser are then started once, not by every worker; and no worker sits idle at the end while
another still has a long file before it. What is begun at the same time stays in random order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from xdist.remote import Producer

DURABLE: Final = ("tests/faults/", "tests/limits/test_renewal.py", "tests/exchange/test_budget.py")
PAIRED: Final = (
    "tests/exchange/test_revocation_races.py",
    "tests/exchange/test_ledger_epoch.py",
    "tests/exchange/test_ledger_replay.py",
    "tests/exchange/test_origins.py",
    "tests/exchange/test_rehearsals.py",
    "tests/conformance/test_key_addresses.py",
)
TOGETHER: Final = (DURABLE, PAIRED)
"""Files of one worker: they share stores or servers (``durable``, ``pair``) that take long to make."""

APART: Final = ("tests/embedded/test_make_run.py", "tests/fuzz/test_targets.py")
"""Every test is long, and starts everything that it needs itself."""

FIRST: Final = (
    "tests/embedded/test_make_run.py",
    "tests/e2e/test_every_page.py",
    "tests/fuzz/test_targets.py",
    *DURABLE,
    "tests/e2e/",
    "tests/fuzz/",
    "tests/embedded/",
    "tests/limits/",
    "tests/bench/",
    "tests/exchange/test_tasks.py",
    *PAIRED,
    "tests/portal/test_doors.py",
    "tests/api/",
)
"""What takes longest, longest first; everything else is short."""


class Distribution(LoadScopeScheduling):
    """Hands out units in the order of collection."""

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)


def unit_of(nodeid: str) -> str:
    """The name of what one worker runs as a whole with this test in it."""
    if nodeid.startswith(APART):
        return nodeid
    return next((places[0] for places in TOGETHER if nodeid.startswith(places)), nodeid.partition("::")[0])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Distribution:
    """Ours, whatever ``--dist`` says."""
    config.option.loadscopereorder = False  # by the number of tests, with the longest files last
    return Distribution(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """After pytest-randomly, whose order stays among equals."""
    items.sort(key=lambda item: rank_of(item.nodeid))


def rank_of(nodeid: str) -> int:
    """Its place among what is begun first; whatever is short comes after all of these."""
    return next((rank for rank, place in enumerate(FIRST) if nodeid.startswith(place)), len(FIRST))
