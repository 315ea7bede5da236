"""``python -m tests.fuzz.child TARGET``: one target under atheris, in a process with bounded memory of its own.

Ends with 0 when the time is over, and with another number when it found something, which it keeps and prints.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import atheris

from tests.fuzz.running import TARGETS

if TYPE_CHECKING:
    from types import ModuleType

MOST_MEMORY: Final = 2 << 30
LONGEST_INPUT: Final = 8192
LONGEST_SECONDS: Final = 20
"""An input that takes so long hangs; what is merely too expensive, a target finds itself."""

_CORPUS: Final = Path(__file__).with_name("corpus")


def main() -> None:
    """Fuzz the target of the command line; does not return."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--keep", type=Path, required=True, help="where inputs that found something are kept")
    parser.add_argument("--seed", type=int, default=0, help="of the random choices; 0: another in each run")
    parser.add_argument("--corpus", type=Path, help="inputs to begin with, and to keep those in that reached more")
    parser.add_argument("--again", type=Path, help="run this one input, and nothing else")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    target = load(options.target)
    if options.again:
        target.one(options.again.read_bytes())
        return
    with TemporaryDirectory(prefix="handover-fuzz-") as directory:
        fuzz(target, options, Path(directory))


def load(name: str) -> ModuleType:
    """The target, with our code under it instrumented."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings.test"
    for store in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"):
        os.environ.pop(store, None)
    import django  # noqa: PLC0415 - the environment comes first

    with atheris.instrument_imports(include=["exchange", "policy"]):
        django.setup()
        return import_module(f"tests.fuzz.{name}")


def fuzz(target: ModuleType, options: argparse.Namespace, directory: Path) -> None:
    """Run until the time is over or something is found; the process ends then."""
    begin = directory / "seeds"
    begin.mkdir()
    for number, seed in enumerate(target.seeds()):
        (begin / f"seed-{number}").write_bytes(seed)
    words = directory / "words"
    words.write_text("".join(f"{_entry(word)}\n" for word in target.WORDS), encoding="ascii")
    corpora = [options.corpus or directory / "found", begin, _CORPUS / options.target]
    corpora[0].mkdir(parents=True, exist_ok=True)
    options.keep.mkdir(parents=True, exist_ok=True)
    flags = {
        "max_total_time": options.seconds,
        "artifact_prefix": f"{options.keep}/",
        "dict": words,
        "max_len": LONGEST_INPUT,
        "timeout": LONGEST_SECONDS,
        "rss_limit_mb": MOST_MEMORY >> 20,
        "seed": options.seed,
        "print_final_stats": 1,
        "verbosity": 0,
    }
    arguments = [f"-{name}={value}" for name, value in flags.items()]
    places = [str(place) for place in corpora if place.is_dir()]
    atheris.Setup([sys.argv[0], *arguments, *places], target.one)
    atheris.Fuzz()


def _entry(word: str) -> str:
    """One word of libFuzzer's dictionary."""
    return '"' + "".join(chr(byte) if chr(byte).isalnum() else f"\\x{byte:02x}" for byte in word.encode()) + '"'


if __name__ == "__main__":
    main()
