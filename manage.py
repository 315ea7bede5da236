"""The command line. Without ``DATABASE_URL`` it means the embedded installation that ``make run`` keeps running."""

import os
import sys

from portal.config import ConfigError
from portal.embedded import environment
from portal.embedded.console import complain
from portal.embedded.refusals import CannotStart

# They read no database, and their settings need nothing set.
HARMLESS = {"help", "--help", "-h", "version", "--version"}


def main(arguments: list[str]) -> int:
    """Run one command; answers its exit code."""
    command = arguments[1] if len(arguments) > 1 else "help"
    if command == "up":
        from portal.embedded.command import main as up  # noqa: PLC0415 - the other commands do without

        return up(arguments[2:])
    if "DJANGO_SETTINGS_MODULE" not in os.environ and not any(word.startswith("--settings") for word in arguments):
        is_harmless = command in HARMLESS
        os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings.test" if is_harmless else "portal.settings.base"
        if not is_harmless and environment.is_embedded(os.environ):
            environment.adopt()
    from django.core.management import execute_from_command_line  # noqa: PLC0415 - `up` does without Django

    execute_from_command_line(arguments)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv))
    except (CannotStart, ConfigError) as problem:
        complain(str(problem))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
