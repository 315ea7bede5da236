"""A plugin of pytest: tests are collected once, then a forked child per mutant runs them until one fails.

mutmut's own runner starts a session for each mutant and names the tests on its command line. A test whose name pytest
spells another way the second time, as it does with a backslash, then ends the session, which counts as noticed: every
mutant that such a test reaches. Here nothing is named twice, and the first child runs the code as it is.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import time
from mmap import mmap
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from mutmut.mutation.trampoline import set_mutant_under_test

if TYPE_CHECKING:
    import pytest

PLACE: Final = "MUTANTS_TO_JUDGE"
"""The variable of the environment that names the file with the mutants' names; their states are written into it."""
AS_IT_IS: Final = ""
KILLED: Final = "killed"
TIMEOUT: Final = "timeout"
SURVIVED: Final = "survived"
_LEAST_SECONDS: Final = 10
_SLOWER: Final = 10
"""How many times longer than the code as it is a mutant may run before it counts as one that never ends."""
_failed: list[str] = []
_noticed_by: Final = mmap(-1, 4)
"""Shared with the children: the index of the test that failed. It comes first for the next mutant, often its kin."""


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember what failed."""
    if report.failed:
        _failed.append(report.nodeid)


def pytest_runtestloop(session: pytest.Session) -> bool:
    """Judge each mutant. Raises ``RuntimeError`` where the code as it is fails a test already."""
    place = Path(os.environ[PLACE])
    names = json.loads(place.read_text(encoding="utf-8"))
    gc.freeze()  # a child that collects what it shares with its parent copies it all
    started = time.monotonic()
    if _judged(session, AS_IT_IS, seconds=3600) != SURVIVED:
        message = "a test fails before anything is changed; run these tests by themselves"
        raise RuntimeError(message)
    seconds = _LEAST_SECONDS + _SLOWER * int(time.monotonic() - started)
    states = {name: _judged(session, name, seconds=seconds) for name in names}
    place.write_text(json.dumps(states), encoding="utf-8")
    return True


def _judged(session: pytest.Session, name: str, *, seconds: int) -> str:
    """What a child finds, which shares no cache with the next one's."""
    child = os.fork()
    if not child:
        _judge(session, name, seconds)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return TIMEOUT if os.WTERMSIG(status) == signal.SIGALRM else KILLED
    if not os.WEXITSTATUS(status):
        return SURVIVED
    session.items.insert(0, session.items.pop(int.from_bytes(_noticed_by[:4])))
    return KILLED


def _judge(session: pytest.Session, name: str, seconds: int) -> NoReturn:
    code = 1
    try:
        signal.alarm(seconds)
        set_mutant_under_test(name)
        for number, (item, following) in enumerate(zip(session.items, [*session.items[1:], None], strict=True)):
            _noticed_by[:4] = number.to_bytes(4)
            item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
            if _failed:
                break
        else:
            code = 0
    finally:
        os._exit(code)
