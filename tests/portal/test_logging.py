"""No secret rides along in a log line."""

from __future__ import annotations

import json
import logging
import logging.config
from typing import TYPE_CHECKING

import pytest
import structlog

from portal.logging import LOGGING, REDACTED, configure_structlog, redact

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADER = "Basic c2VjcmV0"
JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln"


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    yield
    structlog.reset_defaults()
    configure_structlog()


def fail(authorization: str) -> None:
    """A frame that holds a secret, as the lane's does."""
    raise RuntimeError(f"could not read {len(authorization)} characters")


@pytest.mark.parametrize("name", ["client_secret", "Authorization", "subject_token"])
def test_what_is_named_like_a_secret_is_blanked(name: str) -> None:
    assert redact(None, "info", {"event": "x", name: "hunter2"})[name] == REDACTED


def test_what_looks_like_a_token_is_blanked_in_any_text() -> None:
    assert redact(None, "info", {"event": f"got {JWT} from them"})["event"] == f"got {REDACTED} from them"


@pytest.mark.parametrize("page", ["invitation", "welcome"])
def test_a_link_that_lets_somebody_in_is_blanked_where_its_address_is_named(page: str) -> None:
    logged = redact(None, "warning", {"event": f"Too Many Requests: /{page}/{'a-_9' * 10}"})
    assert logged["event"] == f"Too Many Requests: /{page}/{REDACTED}"


def test_an_exception_shows_its_places_and_never_the_local_variables(capsys: pytest.CaptureFixture[str]) -> None:
    structlog.reset_defaults()
    configure_structlog()
    try:
        fail(HEADER)
    except RuntimeError:
        structlog.get_logger().exception("exchange.failed")
    line = capsys.readouterr().err
    assert "c2VjcmV0" not in line
    logged = json.loads(line)
    assert logged["event"] == "exchange.failed"
    assert "could not read 14 characters" in logged["exception"]


def test_libraries_log_in_the_same_form(capsys: pytest.CaptureFixture[str]) -> None:
    before = logging.getLogger().handlers[:]
    try:
        logging.config.dictConfig(LOGGING)
        logging.getLogger("some.library").warning("retrying %s", JWT)
        logged = json.loads(capsys.readouterr().err)
    finally:
        logging.getLogger().handlers[:] = before
    assert logged["event"] == f"retrying {REDACTED}"
    assert (logged["level"], logged["logger"]) == ("warning", "some.library")
