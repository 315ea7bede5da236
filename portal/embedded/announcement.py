"""What is printed when the demo is ready: where it is, who can sign in, and two commands to paste."""

from __future__ import annotations

import json
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
    return list(lines(json.loads(info_file.read_text(encoding="utf-8"))))


def lines(info: Mapping[str, Any]) -> Iterator[str]:
    """The same for a ``demo-info`` at hand."""
    yield f"Handover is ready: {info['portal_url']}"
    yield ""
    yield "Sign in as"
    width = max((len(person["role"]) for person in info["sign_ins"]), default=0)
    for person in info["sign_ins"]:
        yield f"  {person['role']:<{width}}  {person['email']}  {person['password']}"
    yield ""
    yield "Fetch a token of the demo partner, then exchange it for one of ours:"
    yield ""
    yield f"  SUBJECT_TOKEN=$({_fetching(info)})"
    yield ""
    yield f"  {_exchanging(info)}"
    yield ""
    yield "Everything a script needs: manage.py demo-info --json.  Stop: Ctrl-C."


def _fetching(info: Mapping[str, Any]) -> str:
    idp = info["partner_idp"]
    form = {"grant_type": "client_credentials", "username": idp["users"][0]}
    return f"{_curl(idp['token_endpoint'], idp, form)} | {PICK}"


def _exchanging(info: Mapping[str, Any]) -> str:
    client = next(client for client in info["clients"] if client["auth_method"] == "client_secret_basic")
    form = {
        "grant_type": EXCHANGE,
        "subject_token_type": ACCESS_TOKEN,
        "audience": info["audience"],
        "scope": " ".join(info["scopes"]),
    }
    return f'{_curl(info["token_endpoint"], client, form)} --data-urlencode subject_token="$SUBJECT_TOKEN"'


def _curl(address: str, client: Mapping[str, str], form: Mapping[str, str]) -> str:
    data = " ".join(f"--data-urlencode {shlex.quote(f'{name}={value}')}" for name, value in form.items() if value)
    credentials = shlex.quote(f"{client['client_id']}:{client['secret']}")
    return f"curl -sS --noproxy '*' -u {credentials} {data} {address}"
