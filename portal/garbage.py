"""The garbage collector of a process that serves: what start-up made stays, and looking through it again is a stall."""

from __future__ import annotations

import gc


def leave_alone_what_stays() -> None:
    """Take what there is out of the collector's sight, and look through the rest less often than Python would.

    Requests leave hardly a cycle behind. A collection of everything stalls each request that waits meanwhile.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
