"""Where data and sockets go, and the temporary directory that is only ours if it really is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from portal.embedded import accounts, directories
from portal.embedded.refusals import CannotStart
from tests.embedded.conftest import readable_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def folder() -> Iterator[Path]:
    with readable_folder() as folder:
        yield folder


def choose(folder: Path, remembered: Path | None = None) -> directories.Places:
    var, account = folder / "var", accounts.service_account()
    directories.make_var(var, account)
    return directories.choose(var, account, remembered)


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("/srv/handover/var/run", True),
        ("/" + "x" * 92, True),
        ("/" + "x" * 93, False),
        ("/srv/han dover/run", False),
        ("/srv/a,b/run", False),
        ("/srv/café/run", False),
        ("/srv/a%20b/run", False),
    ],
)
def test_a_socket_wants_a_short_and_plain_path(folder: Path, name: str, fits: bool) -> None:  # noqa: FBT001
    assert directories.fits_a_socket(folder.__class__(name)) is fits


def test_a_short_path_needs_no_temporary_directory(folder: Path) -> None:
    places = choose(folder)
    assert (places.data, places.sockets) == (folder / "var/postgres", folder / "var/run")
    assert places.temporary is None


def test_a_long_path_keeps_the_data_and_moves_the_sockets(folder: Path) -> None:
    places = choose(folder / ("long" * 30))
    assert places.temporary
    assert places.data.is_relative_to(folder)
    assert places.sockets == places.temporary / "run"
    assert directories.fits_a_socket(places.sockets)
    places.sockets.rmdir()
    places.temporary.rmdir()


def test_the_temporary_directory_of_the_last_run_is_used_again(folder: Path) -> None:
    first = choose(folder / ("long" * 30))
    assert first.temporary
    assert choose(folder / ("long" * 30), first.temporary) == first
    first.sockets.rmdir()
    first.temporary.rmdir()


@pytest.mark.parametrize("fault", ["missing", "a link", "writable for others"])
def test_a_temporary_directory_that_may_be_somebody_elses_is_not_used_again(folder: Path, fault: str) -> None:
    remembered = folder / "handover-known"
    if fault == "a link":
        (folder / "elsewhere").mkdir()
        remembered.symlink_to(folder / "elsewhere")
    elif fault == "writable for others":
        remembered.mkdir()
        remembered.chmod(0o777)
    places = choose(folder / ("long" * 30), remembered)
    assert places.temporary
    assert places.temporary != remembered
    places.sockets.rmdir()
    places.temporary.rmdir()


def test_a_state_directory_of_somebody_else_is_refused(folder: Path) -> None:
    account = accounts.service_account()
    if account.is_ours:  # an ordinary user finds root's everywhere, and root makes one of somebody else's
        theirs = folder.__class__("/")
    else:
        theirs = folder / "theirs"
        account.own(theirs)
    with pytest.raises(CannotStart, match=r"belongs to .*: run this as that user"):
        directories.make_var(theirs, account)


def test_a_state_directory_that_cannot_be_made_is_refused(folder: Path) -> None:
    (folder / "file").touch()
    with pytest.raises(CannotStart, match=r"cannot be made .*HANDOVER_VAR"):
        directories.make_var(folder / "file" / "var", accounts.service_account())


def test_no_more_than_passing_through_is_allowed_to_others(folder: Path) -> None:
    places = choose(folder)
    allowed = 0o711 if os.geteuid() == 0 else 0o700
    assert places.var.stat().st_mode & 0o777 == allowed
