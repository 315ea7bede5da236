"""Why the embedded installation does not start: one line for the person at the terminal."""


class CannotStart(Exception):
    """The message is one line that says what is wrong and what to do. Commands print it and exit with 1."""
