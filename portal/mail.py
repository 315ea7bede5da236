"""Mail to people: over SMTP, or into files of a directory where an installation has no mail server (interfaces.md 22).

One ``HANDOVER_MAIL_URL`` says which. The embedded installation writes files, and its admins read them at ``/_mail``.
"""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes, policy
from email.utils import parsedate_to_datetime
from pathlib import Path
from smtplib import SMTPRecipientsRefused, SMTPResponseException
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.template.loader import render_to_string

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from email.message import EmailMessage as Parsed

SHOWN: Final = 50
MAX_FILE: Final = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One message of the directory, as ``/_mail`` shows it."""

    to: str
    subject: str
    body: str
    sent_at: datetime


class NotTaken(OSError):
    """The message surely did not leave: no connection, or the server said no. It can be sent again."""


def send(
    to: str, subject: str, template: str, context: Mapping[str, Any], *, headers: Mapping[str, str] | None = None
) -> None:
    """Send one message in plain text.

    Raises ``NotTaken``, and any other ``OSError`` (SMTP's own errors are of its kind) where it is not known whether the
    server took it: the connection broke while it had the message.
    """
    body = render_to_string(f"mail/{template}.txt", dict(context))
    connection = get_connection()
    try:
        connection.open()
    except OSError as error:
        raise NotTaken(f"No connection to the mail server: {type(error).__name__}.") from error
    message = EmailMessage(" ".join(subject.split()), body, settings.DEFAULT_FROM_EMAIL, [to], connection=connection)
    message.extra_headers = dict(headers or {})
    try:
        message.send()
    except (SMTPResponseException, SMTPRecipientsRefused) as error:
        raise NotTaken("The mail server did not take the message.") from error
    finally:
        connection.close()


def letters() -> tuple[Letter, ...]:
    """The newest messages of the directory, newest first; none where mail goes to a server."""
    directory = getattr(settings, "EMAIL_FILE_PATH", None)
    if not directory or not Path(directory).is_dir():
        return ()
    places = sorted(Path(directory).glob("*.log"), key=lambda place: place.stat().st_mtime_ns, reverse=True)
    found = [_letter(text) for place in places[:SHOWN] for text in _messages(place)]
    return tuple(sorted(found, key=lambda letter: letter.sent_at, reverse=True)[:SHOWN])


def _messages(place: Path) -> list[bytes]:
    """Django's files hold one message or more, parted by a line of dashes."""
    with place.open("rb") as file:
        parts = file.read(MAX_FILE).split(b"\n" + b"-" * 79 + b"\n")
    return [part for part in parts if part.strip()]


def _letter(text: bytes) -> Letter:
    parsed: Parsed = message_from_bytes(text, policy=policy.default)
    part = parsed.get_body(("plain",))
    return Letter(
        to=str(parsed["To"]),
        subject=str(parsed["Subject"]),
        body=str(part.get_content()) if part else "",
        sent_at=parsedate_to_datetime(str(parsed["Date"])),
    )
