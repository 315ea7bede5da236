"""The addresses below /people: one person, and what a security admin may change about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import path

from portal.views import people

if TYPE_CHECKING:
    from django.urls import URLPattern

urlpatterns: list[URLPattern] = [
    path("invite", people.invite, name="people-invite"),
    path("<uuid:person_id>", people.person, name="people-person"),
    path("<uuid:person_id>/roles/give", people.give_role, name="people-give"),
    path("<uuid:person_id>/roles/take", people.take_role, name="people-take"),
    path("<uuid:person_id>/disable", people.disable, name="people-disable"),
    path("<uuid:person_id>/enable", people.enable, name="people-enable"),
    path("<uuid:person_id>/link", people.send_link, name="people-link"),
    path("<uuid:person_id>/accounts/link", people.link, name="people-account-link"),
    path("<uuid:person_id>/accounts/unlink", people.unlink, name="people-account-unlink"),
    path("<uuid:person_id>/consents/<uuid:client>/withdraw", people.withdraw_consent, name="people-consent-withdraw"),
    path("<uuid:person_id>/sessions/end", people.end_sessions, name="people-sessions"),
]
