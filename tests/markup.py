"""A page as a browser without script reads it: its elements, its forms, and what each of them would send."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

VOID: Final = frozenset({"br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"})
CONTROLS: Final = frozenset({"input", "select", "textarea", "button"})
INLINE: Final = frozenset({"a", "b", "button", "code", "small", "span", "strong"})
UNSENT: Final = frozenset({"submit", "image", "reset", "button"})
"""Kinds of inputs that say nothing unless they are pressed."""


class Element:
    """An element, or the whole page where it has no tag."""

    def __init__(self, tag: str, attributes: dict[str, str], parent: Element | None) -> None:
        self.tag, self.attributes, self.parent = tag, attributes, parent
        self.children: list[Element | str] = []

    def __str__(self) -> str:
        return f"<{self.tag} {' '.join(f'{name}={value!r}' for name, value in self.attributes.items())}>"

    def __contains__(self, attribute: str) -> bool:
        return attribute in self.attributes

    def __getitem__(self, attribute: str) -> str:
        """Its text, which is empty where there is none."""
        return self.attributes.get(attribute, "")

    def all(self, *tags: str) -> Iterator[Element]:
        """What is in it, in order: everything, or the elements of these tags."""
        waiting = [child for child in reversed(self.children) if isinstance(child, Element)]
        while waiting:
            element = waiting.pop()
            if not tags or element.tag in tags:
                yield element
            waiting += [child for child in reversed(element.children) if isinstance(child, Element)]

    def above(self) -> Iterator[Element]:
        """The element itself, then whatever it is in."""
        element: Element | None = self
        while element is not None:
            yield element
            element = element.parent

    @property
    def text(self) -> str:
        """Its words, also those that only a screen reader says."""
        return " ".join(self._words().split())

    def _words(self) -> str:
        words = "".join(child if isinstance(child, str) else child._words() for child in self.children)
        return words if self.tag in INLINE else f" {words} "

    @property
    def raw(self) -> str:
        """Its text as it stands, as a text area has it: a line break behind its tag is not part of it."""
        return "".join(child for child in self.children if isinstance(child, str)).removeprefix("\n")

    @property
    def name(self) -> str:
        """What it is called for who does not see it."""
        return self["aria-label"] or self.text

    @property
    def needs_script(self) -> bool:
        """Whether a browser without script does not show it."""
        return any("js-only" in one["class"].split() for one in self.above())

    @property
    def form(self) -> Element | None:
        """The form that it belongs to."""
        if "form" in self and self.tag in CONTROLS:
            return next((form for form in self.page.all("form") if form["id"] == self["form"]), None)
        return next((one for one in self.above() if one.tag == "form"), None)

    @property
    def page(self) -> Element:
        """The whole page."""
        return list(self.above())[-1]


class _Reader(HTMLParser):
    """Builds the page. Raises ``AssertionError`` where an element is closed that is not the open one."""

    def __init__(self) -> None:
        super().__init__()
        self.at = Element("", {}, None)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = self._add(tag, attrs)
        if tag not in VOID:
            self.at = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._add(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.at.tag == tag, f"</{tag}> where {self.at} is open"
        assert self.at.parent is not None
        self.at = self.at.parent

    def handle_data(self, data: str) -> None:
        self.at.children.append(data)

    def _add(self, tag: str, attrs: list[tuple[str, str | None]]) -> Element:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute stands twice: <{tag} {names}>"
        element = Element(tag, {name: value or "" for name, value in attrs}, self.at)
        self.at.children.append(element)
        return element


def read(text: str) -> Element:
    """The page. Raises ``AssertionError`` where its elements do not nest."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    assert reader.at.parent is None, f"{reader.at} is never closed"
    return reader.at


def controls(form: Element) -> list[Element]:
    """What can be filled in and pressed, in order."""
    return [one for one in form.page.all(*CONTROLS) if one.form is form]


def buttons(form: Element) -> list[Element]:
    """What sends it, without script."""
    return [one for one in controls(form) if is_submit(one) and not one.needs_script and "disabled" not in one]


def texts(form: Element) -> list[Element]:
    """What is typed into on one line. Where it is one, Enter sends the form without any button (s. 4.10.22.2)."""
    kinds = {"", "text", "search", "email", "password", "url", "tel", "number", "date", "datetime-local"}
    return [control for control in controls(form) if control.tag == "input" and control["type"] in kinds]


def is_submit(control: Element) -> bool:
    """Whether a press of it sends its form."""
    usual = "submit" if control.tag == "button" else "text"
    return (control["type"] or usual) in {"submit", "image"} and control.tag in {"button", "input"}


def is_disabled(control: Element) -> bool:
    """Whether it, or a group that it is in, is out of use."""
    return any("disabled" in one for one in control.above() if one.tag in {*CONTROLS, "fieldset"})


def values(form: Element) -> dict[str, list[str]]:
    """What the form says as it stands, by the names of its fields (HTML s. 4.10.22.4)."""
    said: dict[str, list[str]] = {}
    for control in controls(form):
        if control["name"] and not is_disabled(control):
            said.setdefault(control["name"], []).extend(_said(control))
    return said


def _said(control: Element) -> list[str]:
    if control.tag == "select":
        options = list(control.all("option"))
        chosen = [option for option in options if "selected" in option]
        return [value_of(option) for option in chosen or options[: "multiple" not in control]]
    if control.tag == "textarea":
        return [control.raw]
    kind = control["type"]
    if control.tag == "button" or kind in UNSENT:
        return []
    if kind in {"checkbox", "radio"}:
        return [control.attributes.get("value", "on")] if "checked" in control else []
    return [control["value"]]


def value_of(option: Element) -> str:
    """What a choice says."""
    return option.attributes.get("value", option.text)


def choices(form: Element, name: str) -> list[str] | None:
    """What may be said in a field of choices; None where anything may be."""
    fields = [control for control in controls(form) if control["name"] == name]
    assert fields, f"no field is called {name}: {sorted(values(form))}"
    if fields[0].tag == "select":
        return [value_of(option) for option in fields[0].all("option")]
    if fields[0]["type"] in {"checkbox", "radio"}:
        return [field.attributes.get("value", "on") for field in fields]
    assert fields[0]["type"] != "hidden", f"{name} is hidden: nobody types into it"
    return None
