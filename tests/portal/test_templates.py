"""Templates keep to the content security policy and to each other: nothing inline, nothing dead, nothing missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
CODE = [*(ROOT / "portal").rglob("*.py"), ROOT / "static" / "handover.js", ROOT / "static" / "theme.js"]

INLINE = re.compile(r"<style|\sstyle\s*=|\son[a-z]+\s*=|javascript:|<script(?![^>]*\ssrc=)", re.IGNORECASE)
ELSEWHERE = re.compile(r"(?:src|href|action)\s*=\s*[\"'](?:https?:)?//", re.IGNORECASE)


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


@pytest.mark.parametrize("name", names(TEMPLATES))
def test_a_template_holds_no_inline_style_script_or_handler(name: str) -> None:
    assert not INLINE.findall((ROOT / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", names(TEMPLATES))
def test_a_template_asks_no_other_host_for_anything(name: str) -> None:
    assert not ELSEWHERE.findall((ROOT / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", names(TEMPLATES))
def test_words_of_a_template_can_be_translated(name: str) -> None:
    """What is left of a template without tags and markup is punctuation and names, never a sentence."""
    text = (ROOT / name).read_text(encoding="utf-8")
    text = re.sub(r"\{%\s*blocktranslate.*?endblocktranslate\s*%\}", "", text, flags=re.DOTALL)
    text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", "", text, flags=re.DOTALL)
    text = re.sub(r"<(code|kbd)[^>]*>.*?</\1>", "", text, flags=re.DOTALL)
    text = re.sub(r"<[^>]*>", " ", text)
    assert set(re.findall(r"[A-Za-z]{3,}", text)) <= {"Handover"}


def used_words() -> set[str]:
    """Every word that may be a class: in class attributes, in arguments of our tags, and in strings of our code."""
    words: set[str] = set()
    for path in TEMPLATES:
        text = path.read_text(encoding="utf-8")
        found = re.findall(r'class="((?:\{[%{].*?[%}]\}|[^"])*)"', text)
        found += re.findall(r"\{%\s*(?:icon|badge|meter|spark|include)\b(.*?)%\}", text)
        words.update(*(re.findall(r"[\w-]+", attribute) for attribute in found))
    for path in CODE:
        strings = re.findall(r'"([\w -]+)"|class="([^"]*)"', path.read_text(encoding="utf-8"))
        words.update(*(re.findall(r"[\w-]+", " ".join(pair)) for pair in strings))
    return words


def test_no_rule_of_our_style_sheet_is_dead() -> None:
    css = (ROOT / "static" / "handover.css").read_text(encoding="utf-8")
    css = re.sub(r"/\*.*?\*/|url\([^)]*\)", "", css, flags=re.DOTALL)
    selectors = re.sub(r"\{[^{}]*\}", "{}", css)
    assert set(re.findall(r"\.([a-zA-Z][\w-]*)", selectors)) - used_words() == set()


def test_every_vendored_icon_is_used_and_every_used_icon_is_vendored() -> None:
    vendored = {path.stem for path in (ROOT / "templates" / "icons").glob("*.svg")}
    asked = re.compile(r'\{%\s*icon\s+"([\w-]+)"|icon_name="([\w-]+)"|icon="([\w-]+)"|"icon_name": "([\w-]+)"')
    told = re.compile(r'": \("([\w-]+)", "')
    text = "\n".join(path.read_text(encoding="utf-8") for path in [*TEMPLATES, *CODE])
    used = {name for groups in asked.findall(text) for name in groups if name} | set(told.findall(text))
    assert used <= vendored
    assert (
        vendored - used - set(re.findall(r'"([\w-]+)"', (ROOT / "portal" / "overview" / "recent.py").read_text()))
        == set()
    )


def test_every_page_extends_the_frame() -> None:
    for path in TEMPLATES:
        text = path.read_text(encoding="utf-8")
        is_part = path.name.startswith("_") or path.parent.name == "components" or path.name == "base.html"
        assert is_part or text.startswith("{% extends"), path
