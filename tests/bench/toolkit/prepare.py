"""Make the toolkit's tables and its one client: ``python -m tests.bench.toolkit.prepare CLIENT_ID``, secret on stdin.

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

    Application.objects.create(
        client_id=sys.argv[1],
        client_secret=sys.stdin.read().strip(),
        hash_client_secret=False,
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
        name="bench",
    )


if __name__ == "__main__":
    main()
