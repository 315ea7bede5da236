"""Being asked to stop: Ctrl-C, SIGTERM and a closed terminal set a flag; nothing is ever interrupted half-way."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType


class Stopped(Exception):
    """Somebody asked us to stop while we were starting."""


class Interruptions:
    """The wish to stop. A second one means: at once."""

    def __init__(self) -> None:
        """From here on signals are wishes. A terminal's hang-up stays ignored under ``nohup``."""
        self._event = threading.Event()
        self._count = 0
        signal.signal(signal.SIGINT, self._ask)
        signal.signal(signal.SIGTERM, self._ask)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            signal.signal(signal.SIGHUP, self._ask)

    @property
    def is_asked(self) -> bool:
        """Whether to stop."""
        return self._count > 0

    def is_urgent(self) -> bool:
        """Whether to stop without any grace."""
        return self._count > 1

    def pause(self, seconds: float) -> None:
        """Wait, but not longer than until somebody asks."""
        self._event.wait(seconds)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self._count += 1
        self._event.set()
