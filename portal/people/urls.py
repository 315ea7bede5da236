"""The addresses of people: the list, one person, and what a security admin may change about them."""

from __future__ import annotations

from django.urls import path

from portal.people import pages

urlpatterns = [
    path("people", pages.listed, name="people"),
    path("people/invite", pages.invite, name="people-invite"),
    path("people/<uuid:person_id>", pages.person, name="people-person"),
    path("people/<uuid:person_id>/roles/give", pages.give_role, name="people-give"),
    path("people/<uuid:person_id>/roles/take", pages.take_role, name="people-take"),
    path("people/<uuid:person_id>/disable", pages.disable, name="people-disable"),
    path("people/<uuid:person_id>/enable", pages.enable, name="people-enable"),
    path("people/<uuid:person_id>/link", pages.send_link, name="people-link"),
    path("people/<uuid:person_id>/accounts/link", pages.link, name="people-account-link"),
    path("people/<uuid:person_id>/accounts/unlink", pages.unlink, name="people-account-unlink"),
    path(
        "people/<uuid:person_id>/consents/<uuid:client>/withdraw",
        pages.withdraw_consent,
        name="people-consent-withdraw",
    ),
    path("people/<uuid:person_id>/sessions/end", pages.end_sessions, name="people-sessions"),
    path("_mail", pages.letters, name="people-letters"),
]
