"""``python -m tests.e2e.flow_page``: walk every flow in the browser, and write ``docs/flows.md``.

``--from FILE`` takes what runs with ``HANDOVER_FLOWS=FILE`` have kept; of several the last counts.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.e2e.flows import FLOWS, PROMISED_SECONDS, SUBJECTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HERE: Final = Path(__file__).parent
PAGE: Final = HERE.parents[1] / "docs/flows.md"
HEAD: Final = """# Flows

Made by `make flows` from browser tests; do not edit. A press of the pointer is one click, a choice from a list two;
typing, and the gesture of an authenticator, are none. A test fails when a flow takes more clicks than it may. Seconds
are those of one run on the machine of the tests, typing as fast as a script does; where a time is promised, a test
holds it.
"""
ROW: Final = re.compile(r"^\| ([^|]+) \| (\d+) \| (\d+) \| ([\d.]+)[^|]* \| `([^`]+)` \|$", re.MULTILINE)


def render(walked: Mapping[str, Mapping[str, Any]]) -> str:
    """The page, of what was counted by the names of the flows. Raises ``KeyError`` when one was not walked."""
    return HEAD + "".join(f"\n{line}" for line in _lines(walked))


def _lines(walked: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for subject, flows in SUBJECTS.items():
        yield f"## {subject}\n\n| Flow | Clicks | At most | Seconds | Test |\n|---|---|---|---|---|\n" + "".join(
            _row(name, most, walked[name]) for name, most in flows.items()
        )


def _row(name: str, most: int, counted: Mapping[str, Any]) -> str:
    promised = f" of {PROMISED_SECONDS[name]}" if name in PROMISED_SECONDS else ""
    test = str(counted["test"]).removeprefix("tests/e2e/").replace(".py::", "::")
    return f"| {name} | {counted['clicks']} | {most} | {counted['seconds']:.1f}{promised} | `{test}` |\n"


def rows(text: str) -> dict[str, tuple[int, int, str]]:
    """What a page says of each flow: its clicks, the most of them, and its test."""
    return {name: (int(clicks), int(most), test) for name, clicks, most, _, test in ROW.findall(text)}


def kept(file: Path) -> dict[str, dict[str, Any]]:
    """What tests have counted, by the names of the flows."""
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return {line["flow"]: line for line in lines}


def tests_with_flows() -> list[Path]:
    """The files that walk any."""
    return [path for path in sorted(HERE.glob("test_*.py")) if "flow(" in path.read_text(encoding="utf-8")]


def _walk(file: Path) -> int:
    os.environ["HANDOVER_FLOWS"] = str(file)
    return int(pytest.main(["-q", "-p", "no:randomly", *map(str, tests_with_flows())]))


def main() -> int:
    """Write the page, unless a test fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="source", type=Path, help="a file that was kept")
    source = parser.parse_args().source
    with TemporaryDirectory() as directory:
        file = source or Path(directory) / "flows"
        failed = 0 if source else _walk(file)
        if not failed:
            PAGE.write_text(render({name: kept(file)[name] for name in FLOWS}), encoding="utf-8")
    return failed


if __name__ == "__main__":
    sys.exit(main())
