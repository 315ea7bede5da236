"""What must not be in the repository, whoever wrote it."""

from __future__ import annotations

import re
import subprocess
from functools import cache

from tests.house.sources import ROOT

BINARY = (".png", ".woff2", ".ico", ".gz", ".br")


@cache
def texts() -> dict[str, str]:
    """Every tracked or new text file."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    found = {}
    for name in names:
        if not name.endswith(BINARY) and (ROOT / name).is_file():
            found[name] = (ROOT / name).read_text(encoding="utf-8")
    return found


def lines(pattern: str, *, but: tuple[str, ...] = ()) -> list[str]:
    """Where a pattern occurs, outside this file and the ones named."""
    compiled = re.compile(pattern)
    return [
        f"{name}:{number}"
        for name, text in texts().items()
        if name != "tests/house/test_tree.py" and not name.startswith(but or ("\0",))
        for number, line in enumerate(text.splitlines(), 1)
        if compiled.search(line)
    ]


def test_no_file_names_a_registry() -> None:
    assert lines(r"https?://[^ \"]*(pypi|pythonhosted|npmjs|artifactory)") == []
    for name in ("base", "embedded", "dev"):
        assert "://" not in texts()[f"requirements/{name}.txt"]


def test_nothing_is_left_unfinished() -> None:
    words = "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "NotImplemented" + "Error", "coming soon"])
    assert lines(rf"\b({words})\b", but=("static/vendor/", "requirements/")) == []


def test_no_test_is_skipped() -> None:
    marks = r"pytest\.mark\.skip|pytest\.skip\(|importorskip|mark\.xfail\((?!.*strict=True)"
    assert lines(marks) == []


def test_no_bypass_flag_exists() -> None:
    assert lines(r"skip_permission|bypass_(check|audit|policy)|disable_audit", but=("docs/", "tests/")) == []


def test_templates_hold_no_style_and_no_script_of_their_own() -> None:
    found = [
        name
        for name, text in texts().items()
        if name.startswith("templates/")
        and re.search(r"\sstyle=|<style|\son[a-z]+=|javascript:|<script(?![^>]*\ssrc=)", text)
    ]
    assert found == []


def test_private_keys_and_tokens_are_not_in_the_repository() -> None:
    assert lines(r"-----BEGIN (RSA |EC )?PRIVATE KEY-----", but=("tests/",)) == []
    assert (
        lines(r"eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}", but=("tests/", "static/vendor/")) == []
    )


def test_only_the_guarded_client_calls_out() -> None:
    allowed = ("exchange/outbound.py", "exchange/pinned.py", "tests/", "bench/", "docs/", "Dockerfile")
    clients = "httpx|httpcore|requests|urllib3|aiohttp"
    pattern = rf"(import ({clients})|from ({clients})\b|urllib\.request)"
    assert lines(pattern, but=(*allowed, "portal/embedded/", "portal/demo/", "pyproject.toml")) == []
