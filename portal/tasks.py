"""Wake-ups of the portal: sessions and links whose time is over are swept. They decide nothing: time has."""

from __future__ import annotations

from allauth.usersessions.models import UserSession
from celery import shared_task
from django.contrib.sessions.models import Session
from django.utils import timezone

from portal import kept_answers
from portal.signing_in import sign_in_links


@shared_task(name="portal.clear_sessions")  # type: ignore[untyped-decorator]
def clear_sessions() -> None:
    """Delete sessions and sign-in links that are over, and what was noted about them. Idempotent: time decides."""
    sign_in_links.sweep()
    Session.objects.filter(expire_date__lt=timezone.now()).delete()
    UserSession.objects.exclude(session_key__in=Session.objects.values("session_key")).delete()


@shared_task(name="portal.sweep_kept_answers")  # type: ignore[untyped-decorator]
def sweep_kept_answers() -> None:
    """Delete the API's answers that nobody can ask for again (RFC 9110 section 9.2.2). Idempotent."""
    kept_answers.sweep()
