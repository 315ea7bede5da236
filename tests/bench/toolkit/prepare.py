"""Make the toolkit's tables and its two clients: ``python -m tests.bench.toolkit.prepare``, their secret on stdin.

``hash_client_secret=False`` keeps the secret as text, which is how the toolkit is fast: hashed as by default, each
request costs a password hash, a hundred times everything else.
"""

import os
import sys

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.bench.toolkit.settings"

import django
from django.core.management import call_command


def main() -> None:
    """Migrate and register."""
    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    from oauth2_provider.models import Application  # noqa: PLC0415 - Django is set up by now

    secret = sys.stdin.read().strip()
    for client_id, is_hashed in (("bench", False), ("shipped", True)):
        Application.objects.create(
            client_id=client_id,
            client_secret=secret,
            hash_client_secret=is_hashed,
            client_type=Application.CLIENT_CONFIDENTIAL,
            authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
            name=client_id,
        )


if __name__ == "__main__":
    main()
