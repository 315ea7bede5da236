"""Collecting static files: done when something changed, checked before an installation serves pages."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from portal import static_files
from portal.settings import base

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def installation(tmp_path: Path, settings: Any) -> Path:
    """A small installation: one style sheet, and nowhere collected yet."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "page.css").write_text("a{color:red}" * 200)
    settings.STORAGES, settings.STATICFILES_DIRS, settings.STATIC_ROOT = base.STORAGES, [source], tmp_path / "collected"
    return source


def test_files_are_collected_once_and_again_when_one_changed(installation: Path) -> None:
    assert static_files.collect()
    assert not static_files.collect()
    (installation / "page.css").write_text("a{color:blue}")
    assert static_files.collect()
    assert len(list((installation.parent / "collected").glob("page.*.css"))) == 1


def test_the_deploy_check_counts_what_is_not_collected(installation: Path) -> None:
    (problem,) = static_files.check_collected()
    assert problem.id == "handover.E060"
    assert "collectstatic" in str(problem.hint)
    static_files.collect()
    assert static_files.check_collected() == []
    (installation / "more.css").write_text("b{color:red}")
    assert len(static_files.check_collected()) == 1


@pytest.mark.usefixtures("installation")
def test_a_file_is_served_compressed_with_its_type_and_may_be_kept_for_ever(settings: Any) -> None:
    static_files.collect()
    (name,) = [path.name for path in settings.STATIC_ROOT.glob("page.*.css")]
    client = Client()
    answer = client.get(f"/static/{name}", headers={"accept-encoding": "gzip"})
    assert gzip.decompress(answer.content) == b"a{color:red}" * 200
    assert answer.headers["Content-Type"].startswith("text/css")
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    unchanged = client.get(f"/static/{name}", headers={"if-modified-since": answer.headers["Last-Modified"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert client.head(f"/static/{name}").content == b""
