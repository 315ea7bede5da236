"""Every form of every page, filled with what nobody should send: told in words, never a fault, never half-written.

Generated from the URL configuration and the forms that the pages themselves show, so that a new form is covered: what
is typed, and what is chosen by who wrote the request by hand. What is shown again is shown escaped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from django.db import transaction
from django.urls import URLResolver, get_resolver, reverse

from audit.models import Event
from partners.models import Registry
from portal.partner_pages.acts import ACTS
from portal.roles import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from django.test import Client

    from tests.portal.organisation import Organisation

    SignIn = Callable[[Role | None], Client]

SCRIPT = "<script>alert(1)</script>"
STORABLE = f"=HYPERLINK('https://evil.example'){SCRIPT}'; DROP TABLE partners_partner; --"
HOSTILE = {
    "NUL": f"a\x00b{SCRIPT}",
    "too long": "x" * 70_000,
    "formula, script, right to left": f"{STORABLE}\u202egpj.exe",
    "no text": "\ud800\uffff",
}
ANOTHERS = "fjord-login"
"""The name of another partner's trust."""
ANSWERS = {200, 204, 302, 400, 403, 404, 405, 409, 413, 422, 429}
TYPED = {"text", "email", "search", "url", "number", "password", "date", "hidden", ""}
LEFT_ALONE = {"csrfmiddlewaretoken"}


@dataclass
class Form:
    """One form of a page: where it goes, and what it sends when nobody touches it."""

    action: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    typed: list[str] = field(default_factory=list)
    chosen: set[str] = field(default_factory=set)
    """What has several ways: whatever is sent for a lone box means that it is ticked."""
    ticks: set[str] = field(default_factory=set)


class Forms(HTMLParser):
    """The forms of a page that are posted."""

    def __init__(self, address: str, html: str) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._form: Form | None = None
        self._address, self._select = address, ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(given.get("action") or self._address) if given.get("method") == "post" else None
        elif self._form is not None and tag == "select":
            self._select = given.get("name", "")
            self._form.chosen.add(self._select)
        elif self._form is not None and tag == "option" and self._select and "selected" in given:
            self._form.fields.setdefault(self._select, []).append(given.get("value", ""))
        elif self._form is not None and tag in {"input", "textarea"} and given.get("name", ""):
            self._input(tag, given)

    def _input(self, tag: str, given: dict[str, str]) -> None:
        assert self._form is not None
        name, kind = given["name"], given.get("type", "") if tag == "input" else ""
        if kind == "radio" or (kind == "checkbox" and name in self._form.ticks):
            self._form.chosen.add(name)
        self._form.ticks |= {name} if kind == "checkbox" else set()
        if kind in {"checkbox", "radio"} and "checked" not in given:
            return
        self._form.fields.setdefault(name, []).append(given.get("value", ""))
        if kind in TYPED and name not in LEFT_ALONE:
            self._form.typed.append(name)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form" and self._form is not None:
            self.found.append(self._form)
            self._form = None
        self._select = "" if tag == "select" else self._select


def addresses(organisation: Organisation) -> Iterator[str]:
    """Every page with something real at each place of its address."""
    known: dict[str, Any] = {
        "slug": "kestrel",
        "client_id": "kestrel-settlement",
        "target": "ledger-api",
        "person_id": organisation.people[Role.AUDITOR].pk,
        "reference": organisation.refused,
    }
    for route, pattern, names in _patterns(get_resolver().url_patterns, "", ()):
        for act in ACTS if "act" in names else [""]:
            own = {**known, "act": act, "name": "kestrel-idp" if "trust" in route else "settle"}
            if set(names) <= own.keys():
                yield reverse(str(pattern.name), kwargs={name: own[name] for name in names})


def _patterns(found: list[Any], above: str, given: tuple[str, ...]) -> Iterator[tuple[str, Any, tuple[str, ...]]]:
    for pattern in found:
        route, names = above + str(pattern.pattern), (*given, *pattern.pattern.converters)
        if isinstance(pattern, URLResolver):
            if str(pattern.pattern) not in {"oauth/", "api/"}:
                yield from _patterns(pattern.url_patterns, route, names)
        elif pattern.name and getattr(pattern.callback, "permission", None):
            yield route, pattern, names


def forms(browser: Client, organisation: Organisation) -> list[Form]:
    """The forms that somebody finds, each once."""
    found: dict[tuple[str, tuple[str, ...]], Form] = {}
    for address in addresses(organisation):
        answer = browser.get(address)
        if answer.status_code == 200 and "html" in answer["Content-Type"] and not answer.streaming:
            for form in Forms(address, answer.content.decode()).found:
                if form.typed or form.chosen:
                    found.setdefault((form.action, tuple(sorted(form.fields))), form)
    return list(found.values())


def written() -> tuple[int, int]:
    """What a change of configuration, or anything that is audited, moves; but that somebody strayed is no change."""
    happened = Event.objects.exclude(kind="partner.foreign_object_asked")
    return happened.count(), Registry.objects.values_list("epoch", flat=True).get()


def try_form(browser: Client, form: Form, names: Collection[str], text: str) -> int:
    """Send a form with the text in some fields; whatever it changed is undone. The answer's status."""
    before, data = written(), {**form.fields, **{name: [text] for name in names}}
    sent = {name: [value.encode("utf-8", "surrogatepass") for value in values] for name, values in data.items()}
    point = transaction.savepoint()
    answer = browser.post(form.action, sent)
    assert answer.status_code in ANSWERS, (form.action, names, answer.status_code)
    if answer.status_code >= 400:
        assert written() == before, (form.action, names)
    page = answer if answer.status_code != 302 else browser.get(answer["Location"])
    assert page.streaming or SCRIPT.encode() not in page.content, (form.action, names)
    transaction.savepoint_rollback(point)
    return int(answer.status_code)


@pytest.mark.parametrize(("role", "fewest"), [(Role.SECURITY_ADMIN, 12), (Role.PARTNER_ADMIN, 2)])
def test_no_form_breaks_on_what_is_typed_and_none_writes_a_half(
    organisation: Organisation, signed_in: SignIn, role: Role, fewest: int
) -> None:
    browser = signed_in(role)
    found = forms(browser, organisation)
    assert len(found) >= fewest
    for form in found:
        for text in HOSTILE.values():
            try_form(browser, form, form.typed, text)
        for name in form.typed:
            try_form(browser, form, [name], STORABLE)
        for text in [STORABLE, ANOTHERS] if form.chosen else []:
            assert try_form(browser, form, form.chosen, text) >= 400, form
