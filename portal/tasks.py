"""Wake-ups of the portal: what is over is swept, what ends is told beforehand. They decide nothing: time has."""

from __future__ import annotations

from allauth.usersessions.models import UserSession
from celery import shared_task
from django.contrib.sessions.models import Session
from django.utils import timezone

from portal import kept_answers
from portal.canaries import running
from portal.partner_side import invitations
from portal.reminding import gathering, sending
from portal.signing_in import sign_in_links
from portal.simulator import shadows


@shared_task(name="portal.clear_sessions")  # type: ignore[untyped-decorator]
def clear_sessions() -> None:
    """Delete sessions and sign-in links that are over, and what was noted about them. Idempotent: time decides."""
    sign_in_links.sweep()
    invitations.note_ends()
    Session.objects.filter(expire_date__lt=timezone.now()).delete()
    UserSession.objects.exclude(session_key__in=Session.objects.values("session_key")).delete()


@shared_task(name="portal.sweep_kept_answers")  # type: ignore[untyped-decorator]
def sweep_kept_answers() -> None:
    """Delete the API's answers that nobody can ask for again (RFC 9110 section 9.2.2). Idempotent."""
    kept_answers.sweep()


@shared_task(name="portal.remind")  # type: ignore[untyped-decorator]
def remind() -> None:
    """Tell people by mail what of their partners ends. Idempotent: a row is what was told."""
    now = timezone.now()
    gathering.gather(now)
    sending.send_waiting(now)
    gathering.sweep(now)


@shared_task(name="portal.follow_shadows")  # type: ignore[untyped-decorator]
def follow_shadows() -> None:
    """Try what was exchanged since with the drafts in shadow. Idempotent: rows say how far each came, under locks."""
    now = timezone.now()
    shadows.follow_all(now=now)
    shadows.sweep(now=now)


@shared_task(name="portal.try_canaries")  # type: ignore[untyped-decorator]
def try_canaries() -> None:
    """Try again what was granted last: each hour, and where something moved. Idempotent: turns are taken."""
    running.run_due(timezone.now())
