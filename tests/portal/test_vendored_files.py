"""Files of others: exactly those of the manifest, and light enough for the first load."""

from __future__ import annotations

import gzip
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from portal import vendor
from portal.settings import base
from tests.static_files import collected

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from django.test import Client

FIRST_LOAD = 240_000
SCRIPT = 25_000


def test_the_vendored_files_are_those_of_the_manifest() -> None:
    assert vendor.check() == []


def test_every_vendored_file_is_in_the_manifest() -> None:
    listed = {path for package in vendor.read_manifest()["packages"].values() for path in package["files"]}
    present = [*(vendor.ROOT / "static" / "vendor").rglob("*"), *(vendor.ROOT / "templates" / "icons").rglob("*")]
    found = {str(path.relative_to(vendor.ROOT)) for path in present if path.is_file() and path != vendor.MANIFEST}
    assert found - listed == {"static/vendor/licenses/tabler.txt"}  # the package itself carries no licence file


def test_versions_are_exact_and_every_package_has_a_licence_and_an_integrity() -> None:
    for package in vendor.read_manifest()["packages"].values():
        assert re.fullmatch(r"\d+\.\d+\.\d+", package["version"])
        assert package["license"] in {"MIT", "0BSD", "OFL-1.1"}
        assert package["integrity"].startswith("sha512-")


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the vendored files that a test may spoil."""
    for folder in ("static/vendor", "templates/icons"):
        shutil.copytree(vendor.ROOT / folder, tmp_path / folder)
    monkeypatch.setattr(vendor, "ROOT", tmp_path)
    return tmp_path


def test_an_edited_and_a_missing_file_are_named(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (copied / "static/vendor/htmx.min.js").open("ab") as file:
        file.write(b"/* */")
    (copied / "templates/icons/check.svg").unlink()
    assert vendor.main([]) == 1
    told = capsys.readouterr().err
    assert "static/vendor/htmx.min.js was edited" in told
    assert "templates/icons/check.svg is missing" in told


def test_no_vendored_file_points_to_a_source_map() -> None:
    for path in (vendor.ROOT / "static" / "vendor").glob("*.min.*"):
        assert b"sourceMappingURL" not in path.read_bytes()


def test_the_first_load_and_the_script_stay_within_their_budgets(
    tmp_path_factory: pytest.TempPathFactory, settings: Any, signed_in: Callable[..., Client]
) -> None:
    root = collected(tmp_path_factory)
    settings.STORAGES, settings.STATIC_ROOT = base.STORAGES, root

    def size(name: str) -> int:
        packed = root / f"{name}.gz"
        return (packed if packed.exists() else root / name).stat().st_size

    page = signed_in().get("/account").content
    asked = set(re.findall(r'/static/([\w./-]+)"', page.decode()))
    asked |= {str(path.relative_to(root)) for path in root.rglob("*.woff2")}
    scripts = {name for name in asked if name.endswith(".js")}
    assert len(scripts) == 3
    assert sum(map(size, scripts)) <= SCRIPT
    assert len(gzip.compress(page)) + sum(map(size, asked)) <= FIRST_LOAD
