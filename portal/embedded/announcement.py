"""What is printed when the demo is ready: where it is, who can sign in, and two commands to paste."""

from __future__ import annotations

import json
import os
import shlex
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"
PICK: Final = """python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])'"""


def announcement(info_file: Path) -> list[str]:
    """The lines for a demo whose ``demo-info`` was written to this file."""
    return list(lines(json.loads(info_file.read_text(encoding="utf-8")), info_file.parent))


def lines(info: Mapping[str, Any], directory: Path) -> Iterator[str]:
    """The same for a ``demo-info`` at hand. ``directory`` gets the files from which the commands read their secrets.

    A secret among a command's arguments would be seen by everybody who lists this machine's processes.
    """
    yield f"Handover is ready: {info['portal_url']}"
    yield ""
    yield "Sign in as"
    width = max((len(person["role"]) for person in info["sign_ins"]), default=0)
    for person in info["sign_ins"]:
        yield f"  {person['role']:<{width}}  {person['email']}  {person['password']}"
    yield ""
    yield "Fetch a token of the demo partner, then exchange it for one of ours:"
    yield ""
    yield f"  SUBJECT_TOKEN=$({_fetching(info, directory)})"
    yield ""
    yield f"  {_exchanging(info, directory)}"
    yield ""
    yield "Everything a script needs: manage.py demo-info --json.  Stop: Ctrl-C."


def _fetching(info: Mapping[str, Any], directory: Path) -> str:
    idp = info["partner_idp"]
    form = {"grant_type": "client_credentials", "username": idp["users"][0]}
    return f"{_curl(idp['token_endpoint'], _credentials(directory / 'partner.curl', idp), form)} | {PICK}"


def _exchanging(info: Mapping[str, Any], directory: Path) -> str:
    client = next(client for client in info["clients"] if client["auth_method"] == "client_secret_basic")
    form = {
        "grant_type": EXCHANGE,
        "subject_token_type": ACCESS_TOKEN,
        "audience": info["audience"],
        "scope": " ".join(info["scopes"]),
    }
    exchanging = _curl(info["token_endpoint"], _credentials(directory / "client.curl", client), form)
    return f'printf %s "$SUBJECT_TOKEN" | {exchanging} --data-urlencode subject_token@-'


def _credentials(file: Path, client: Mapping[str, str]) -> Path:
    """A configuration file of curl's, for its owner's eyes only, that holds a client's id and secret."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(f'user = "{client["client_id"]}:{client["secret"]}"\n')
    return file


def _curl(address: str, credentials: Path, form: Mapping[str, str]) -> str:
    data = " ".join(f"--data-urlencode {shlex.quote(f'{name}={value}')}" for name, value in form.items() if value)
    return f"curl -sS --noproxy '*' -K {shlex.quote(str(credentials))} {data} {address}"
