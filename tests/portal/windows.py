"""A browser without script: it opens pages, fills in their forms and presses their buttons, as the page says.

It complains of every page that somebody without script could not use to the end.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit

from django.test import Client
from django.urls import resolve

from audit.models import Event
from tests.markup import Element, buttons, choices, is_submit, read, texts, values

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN: Final = "csrfmiddlewaretoken"
ASKED_BY_HTMX: Final = {"hx-get": "get", "hx-post": "post", "hx-put": "put", "hx-patch": "patch", "hx-delete": "delete"}
BY_ITSELF: Final = ("every ", "load")
"""Triggers that nobody pulls."""

SCRIPT_ALONE: Final = ("data-copy", "data-theme-choice-of", "data-passkey")
"""What may be there for script alone: the clipboard, the theme, which follows the system without it, and passkeys."""

FOLLOWING: Final = "live-switch"
"""A list that follows what happens; without script a link loads it again."""


class Window:
    """One window: ``address``, ``status`` and ``page`` are what it shows."""

    def __init__(self, client: Client | None = None) -> None:
        self.client = Client(enforce_csrf_checks=True)
        if client is not None:
            self.client.cookies = client.cookies
        self.address, self.status = "", 0
        self.page = Element("", {}, None)

    def open(self, address: str) -> None:
        """Go there, and on wherever it leads. Raises ``AssertionError`` where the page needs script."""
        self._show(self.client.get(address, follow=True), address)

    def press(self, button: str, to: str, **typed: str | list[str]) -> None:
        """Fill in the fields of these names and press the first button called so, which sends to the address named.

        Raises ``AssertionError`` where there is no such button, field or choice, and what ``open`` raises.
        """
        pressed = self._button(button)
        form = pressed.form
        assert form is not None
        said = values(form)
        for name, given in typed.items():
            wanted = [given] if isinstance(given, str) else given
            offered = choices(form, name)
            assert offered is None or set(wanted) <= set(offered), f"{name} offers {offered}"
            said[name] = wanted
        if pressed["name"]:
            said.setdefault(pressed["name"], []).append(pressed["value"])
        address = pressed["formaction"] or form["action"] or self.address
        assert resolve(urlsplit(address).path).url_name == to, address
        if form["method"] == "get":
            self.open(f"{address.partition('?')[0]}?{urlencode(said, doseq=True)}")
        else:
            self._show(self.client.post(address, said, follow=True), address)

    def shows(self, words: str) -> bool:
        """Whether the page says so."""
        return words in self.page.text

    def text_of(self, element_id: str) -> str:
        """The text of the element with this id."""
        return next(one.text for one in self.page.all() if one["id"] == element_id)

    def _button(self, name: str) -> Element:
        offered = [button for form in self.page.all("form") for button in buttons(form)]
        found = next((button for button in offered if name in button.name), None)
        assert found, f"no button {name!r} at {self.address} ({self.status}): {[button.name for button in offered]}"
        return found

    def _show(self, answer: object, address: str) -> None:
        hops = getattr(answer, "redirect_chain", [])
        self.address = hops[-1][0] if hops else address
        self.status = getattr(answer, "status_code", 0)
        self.page = read(getattr(answer, "content", b"").decode())
        found = list(flaws(self.page))
        assert not found, f"{self.address}: {found}"


def flaws(page: Element) -> Iterator[str]:
    """What of the page only script could use."""
    for element in page.all():
        yield from _flaws_of_asking(element)
        yield from _flaws_of_controls(element)
        yield from _flaws_of_layers(element)
        if any(name.startswith("on") or name == "style" for name in element.attributes):
            yield f"inline: {element}"
    for form in page.all("form"):
        yield from _flaws_of_form(form)


def _flaws_of_asking(element: Element) -> Iterator[str]:
    """Whatever htmx asks for, a link or a form asks for too, at the same address."""
    for attribute, method in ASKED_BY_HTMX.items():
        if attribute not in element:
            continue
        if element["hx-trigger"].startswith(BY_ITSELF):
            main = next(element.page.all("main"), element.page)
            links = {_path(link["href"]) for link in main.all("a") if not link.needs_script}
            if _path(element[attribute]) not in links:
                yield f"refreshed by script, and by no link: {element}"
        elif (method, element[attribute]) != _plain(element):
            yield f"neither link nor form: {element}"


def _plain(element: Element) -> tuple[str, str]:
    """What the element asks for without script."""
    if element.tag == "a":
        return "get", element["href"]
    form = element if element.tag == "form" else element.form
    if form is None or not (element is form or is_submit(element)):
        return "", ""
    return element["formmethod"] or form["method"], element["formaction"] or form["action"]


def _path(address: str) -> str:
    return urlsplit(address).path


def _flaws_of_form(form: Element) -> Iterator[str]:
    if form["method"] not in {"get", "post"}:
        yield f"no method: {form}"
    if form["action"] and (not form["action"].startswith("/") or form["action"].startswith("//")):
        yield f"sent elsewhere: {form}"
    if any(values(form).get(TOKEN, ())) is not (form["method"] == "post"):
        yield f"a token of its own where it changes something, and only there: {form}"
    if not buttons(form) and "data-passkey" not in form and len(texts(form)) != 1:
        yield f"neither a button nor Enter sends it: {form}"


def _flaws_of_controls(element: Element) -> Iterator[str]:
    is_control = element.tag in {"a", "button", "input", "select", "textarea"}
    if not is_control:
        return
    if element.needs_script and not _may_need_script(element):
        yield f"for script alone: {element}"
    if any("hidden" in one for one in element.above()):
        yield f"hidden until script shows it: {element}"
    if element.tag == "a":
        if not element["href"] or element["href"].startswith(("#!", "javascript:")) or element["href"] == "#":
            yield f"a link to nowhere: {element}"
    elif element.form is None and not _may_need_script(element) and "popovertarget" not in element:
        yield f"in no form: {element}"
    elif element.tag == "button" and not is_submit(element) and not _does_something(element):
        yield f"a button for script alone: {element}"


def _may_need_script(element: Element) -> bool:
    return element["id"] == FOLLOWING or any(name in one for one in element.above() for name in SCRIPT_ALONE)


def _does_something(button: Element) -> bool:
    return "popovertarget" in button or _may_need_script(button)


def _flaws_of_layers(element: Element) -> Iterator[str]:
    """What is closed at first is opened by something that is no script."""
    if "popover" in element:
        openers = {button["popovertarget"] for button in element.page.all("button") if not button.needs_script}
        if element["id"] not in openers:
            yield f"nothing opens it: {element}"
    if element.tag == "dialog":
        yield f"only script opens it: {element}"
    if element.tag == "details" and not any(element.all("summary")):
        yield f"nothing opens it: {element}"


@contextmanager
def written(kind: str, times: int = 1) -> Iterator[None]:
    """What happens inside is in the trail under this name. Raises ``AssertionError`` where it is not."""
    before = set(Event.objects.values_list("id", flat=True))
    yield
    kinds = list(Event.objects.exclude(id__in=before).order_by("id").values_list("kind", flat=True))
    assert kinds.count(kind) == times, kinds
