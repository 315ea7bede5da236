"""What a partner's developers need: the values of this installation, and requests that they can run as they are.

Secrets and tokens are named by environment variables: none is ever on a page.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from django.conf import settings

from partners import profiles
from partners.states import SourceOfMapping
from policy.parties import BY_CERTIFICATE, ClientAuthentication

if TYPE_CHECKING:
    from partners.profiles import Client, MappingVersion, Profile

LIBRARY: Final = "httpx"
"""What the request in Python is made with; the installation itself calls out by its guarded client alone."""

GRANT: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"
ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """The same request in one language."""

    language: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    """The addresses, and the request of one client for one audience in several languages."""

    issuer: str
    token_endpoint: str
    metadata: str
    client_id: str
    audience: str
    snippets: tuple[Snippet, ...]


def integration(client: Client | None, mapping: MappingVersion | None) -> Integration:
    """What this client sends for a token of this mapping. Without either, names stand for what is still missing."""
    issuer = settings.HANDOVER.issuer
    client_id = client.client_id if client else "CLIENT_ID"
    audience = mapping.audience if mapping else "AUDIENCE"
    method = _method(client)
    endpoint = f"{issuer}/oauth/token"
    fields = {
        "grant_type": GRANT,
        "subject_token_type": ACCESS_TOKEN,
        "audience": audience,
        **({"client_assertion_type": ASSERTION} if method is ClientAuthentication.PRIVATE_KEY_JWT else {}),
        **({"client_id": client_id} if method in BY_CERTIFICATE else {}),
    }
    secrets = {"subject_token": "PARTNER_TOKEN"}
    if method is ClientAuthentication.PRIVATE_KEY_JWT:
        secrets["client_assertion"] = "CLIENT_ASSERTION"
    basic = quote(client_id, safe="") if method is ClientAuthentication.CLIENT_SECRET_BASIC else ""
    return Integration(
        issuer=issuer,
        token_endpoint=endpoint,
        metadata=f"{issuer}/.well-known/oauth-authorization-server",
        client_id=client_id,
        audience=audience,
        snippets=(
            Snippet(language="curl", text=_curl(endpoint, fields, secrets, basic)),
            Snippet(language="Python", text=_python(endpoint, fields, secrets, basic)),
            Snippet(language="JavaScript", text=_javascript(endpoint, fields, secrets, basic)),
        ),
    )


def mapping_for(partner: Profile, client: Client | None) -> MappingVersion | None:
    """The first mapping in force that is for this client, or for every client. One query."""
    current = (mapping.current for mapping in profiles.mappings(partner.id))
    ours = (version for version in current if version is not None and version.source == SourceOfMapping.TRUST)
    return next((v for v in ours if v.clients is None or (client is not None and client.client_id in v.clients)), None)


def _method(client: Client | None) -> ClientAuthentication:
    """How the request proves whose it is: by secret where the client has that, else by its first method."""
    methods = [ClientAuthentication(method) for method in client.methods] if client else []
    usual = ClientAuthentication.CLIENT_SECRET_BASIC
    return usual if not methods or usual in methods else min(methods)


def _curl(endpoint: str, fields: dict[str, str], secrets: dict[str, str], client_id: str) -> str:
    lines = [f"curl --fail-with-body {shlex.quote(endpoint)}"]
    if client_id:
        lines.append(f'--user {shlex.quote(f"{client_id}:")}"$CLIENT_SECRET"')
    lines += [f"--data-urlencode {shlex.quote(f'{name}={value}')}" for name, value in fields.items()]
    lines += [f'--data-urlencode {name}="${value}"' for name, value in secrets.items()]
    return " \\\n  ".join(lines)


def _python(endpoint: str, fields: dict[str, str], secrets: dict[str, str], client_id: str) -> str:
    data = [f"        {json.dumps(name)}: {json.dumps(value)}," for name, value in fields.items()]
    data += [f'        "{name}": os.environ["{value}"],' for name, value in secrets.items()]
    auth = [f'    auth=({json.dumps(client_id)}, os.environ["CLIENT_SECRET"]),'] if client_id else []
    head = [
        "import os",
        "",
        f"import {LIBRARY}",
        "",
        f"answer = {LIBRARY}.post(",
        f"    {json.dumps(endpoint)},",
        "    data={",
    ]
    return "\n".join([*head, *data, "    },", *auth, ")", "answer.raise_for_status()", 'print(answer.json()["scope"])'])


def _javascript(endpoint: str, fields: dict[str, str], secrets: dict[str, str], client_id: str) -> str:
    data = [f"    {name}: {json.dumps(value)}," for name, value in fields.items()]
    data += [f"    {name}: process.env.{value}," for name, value in secrets.items()]
    basic = f"const basic = btoa({json.dumps(f'{client_id}:')} + process.env.CLIENT_SECRET);"
    sent = ["  headers: { Authorization: `Basic ${basic}` },"] if client_id else []
    head = [
        *([basic] if client_id else []),
        f"const answer = await fetch({json.dumps(endpoint)}, {{",
        '  method: "POST",',
    ]
    body = ["  body: new URLSearchParams({", *data, "  }),", "});"]
    return "\n".join([*head, *sent, *body, "if (!answer.ok) throw new Error(await answer.text());"])
