"""Apache with Debian's mod_oauth2: a resource server that checks our tokens by our keys, or by asking us."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.interop.nginx import listens
from tests.ports import free_port
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM: Final = "/usr/sbin/apache2"
MODULES: Final = Path("/usr/lib/apache2/modules")
LOADED: Final = ("mpm_event", "authn_core", "authz_core", "headers", "rewrite", "oauth2")
CONFIGURATION: Final = """
ServerName 127.0.0.1
ServerRoot {directory}
DefaultRuntimeDir {directory}
PidFile {directory}/pid
ErrorLog {directory}/error.log
Listen 127.0.0.1:{port}
StartServers 1
{account}
{modules}

<Location /by-keys>
  AuthType oauth2
  OAuth2TokenVerify jwks_uri {issuer}/oauth/jwks verify.iat=required&verify.exp=required&expiry=0
  {demands}
</Location>

<Location /by-asking>
  AuthType oauth2
  OAuth2TokenVerify introspect {issuer}/oauth/introspect {credentials}
  {demands}
</Location>
"""
DEMANDS: Final = """
  <RequireAll>
    Require oauth2_claim iss:{issuer}
    Require oauth2_claim aud:{audience}
    Require oauth2_claim scope:{scope}
  </RequireAll>
  RewriteEngine on
  RewriteRule ^ - [R=204]
  Header always set X-User "expr=%{{REMOTE_USER}}"
"""


@contextmanager
def protecting(directory: Path, issuer: str, *, audience: str, scope: str, gateway: dict[str, str]) -> Iterator[int]:
    """Run it for the time of a block. Yields its port; what it protects answers 204 and says who called."""
    port = free_port()
    configuration = directory / "apache2.conf"
    credentials = "introspect.auth=client_secret_basic&client_id={client_id}&client_secret={client_secret}&expiry=0"
    configuration.touch(mode=0o600)
    configuration.write_text(
        CONFIGURATION.format(
            directory=directory,
            port=port,
            account="User www-data\nGroup www-data" if os.getuid() == 0 else "",
            modules="\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in LOADED),
            issuer=issuer,
            credentials=credentials.format(**gateway),
            demands=DEMANDS.format(issuer=issuer, audience=audience, scope=scope),
        ),
        encoding="ascii",
    )
    command = [PROGRAM, "-f", str(configuration), "-DFOREGROUND"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    log = directory / "error.log"
    try:
        wait_until(lambda: process.poll() is not None or listens(port), "Apache listens")
        assert process.poll() is None, log.read_text(encoding="utf-8", errors="replace")
        yield port
    finally:
        process.terminate()
        process.wait(10)
