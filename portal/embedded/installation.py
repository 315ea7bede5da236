"""One embedded installation: the state directory ``var`` of a checkout, and what it remembers between starts."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from base64 import b64encode
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from portal.embedded.addresses import APPLICATION, OWNER, database_url, redis_url
from portal.embedded.directories import is_ours
from portal.embedded.refusals import CannotStart

ROOT: Final = Path(__file__).resolve().parents[2]
DEFAULT_PORT: Final = 8000
CONTENTS: Final = ("postgres", "run", "log", "mail", "demo", "static", "kek", "kek.new", "installation.json")
"""What a reset removes: ours by name, since ``HANDOVER_VAR`` may name a directory that holds other things too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What must be the same in another shell and at the next start."""

    port: int = DEFAULT_PORT
    sockets: str = ""
    temporary: str = ""


def state_directory() -> Path:
    """``HANDOVER_VAR``, or ``var`` in the checkout."""
    return Path(os.environ.get("HANDOVER_VAR") or ROOT / "var").absolute()


def recall(var: Path) -> Memory | None:
    """What the last start remembered; ``None`` when there was none. Raises ``CannotStart``."""
    try:
        return Memory(**json.loads((var / "installation.json").read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise CannotStart(
            f"{var}/installation.json cannot be read ({error.__class__.__name__}):"
            " run this as the user who ran `make run`, or start afresh with `make run RESET=1`."
        ) from error


def homes(var: Path) -> list[Path]:
    """The directories an installation lives in: its state directory, and the temporary one if it has one."""
    try:
        memory = recall(var)
    except CannotStart:
        return [var]  # the start that follows says so, or throws the unreadable memory away
    return [var, Path(memory.temporary)] if memory and memory.temporary else [var]


def remember(var: Path, memory: Memory) -> None:
    """Keep it for the next start, whole or not at all."""
    unfinished = var / "installation.json.new"
    unfinished.write_text(json.dumps(asdict(memory)) + "\n", encoding="utf-8")
    unfinished.replace(var / "installation.json")


def forget(var: Path) -> None:
    """Remove everything an installation made, so that the next start is the first."""
    for temporary in homes(var)[1:]:
        if is_ours(temporary):
            shutil.rmtree(temporary)
    for name in CONTENTS:
        path = var / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def make_kek(var: Path) -> Path:
    """The file of the key-encryption key (mode 0600), made at the first start and never overwritten."""
    path = var / "kek"
    if not path.exists():
        unfinished = var / "kek.new"
        unfinished.unlink(missing_ok=True)
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(b64encode(secrets.token_bytes(32)).decode() + "\n")
        unfinished.rename(path)
    return path


def variables(var: Path, memory: Memory) -> dict[str, str]:
    """The environment of everything that belongs to this installation."""
    sockets = Path(memory.sockets)
    return {
        "HANDOVER_VAR": str(var),
        "HANDOVER_ISSUER": issuer(memory),
        "HANDOVER_ENVIRONMENT": "Demo",
        "HANDOVER_DEMO": "1",
        "HANDOVER_SECOND_FACTOR_ROLES": "none",
        "HANDOVER_DEMO_IDP": identity_provider(memory),
        "HANDOVER_OUTBOUND_ALLOW": "127.0.0.1/32",
        "HANDOVER_KEK_FILE": str(var / "kek"),
        "HANDOVER_MAIL_URL": f"file://{quote(str(var / 'mail'))}",
        "DATABASE_URL": database_url(sockets, APPLICATION),
        "DATABASE_OWNER_URL": database_url(sockets, OWNER),
        "REDIS_URL": redis_url(sockets),
    }


def issuer(memory: Memory) -> str:
    """Our address: loopback only, since the demo has known passwords."""
    return f"http://127.0.0.1:{memory.port}"


def identity_provider(memory: Memory) -> str:
    """The address of the demo partner's identity provider: the next port."""
    return f"http://127.0.0.1:{memory.port + 1}"
