"""The running server beside ``docs/openapi-oauth.yaml``: whatever is sent, the answer is one that it describes."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings
from openapi_spec_validator import validate
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.openapi.checks import UndefinedStatusCode
from schemathesis.specs.openapi import checks

from exchange import lane
from portal.description.document import METADATA_PATH, OPENID_PATH
from tests import exchange_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemathesis import Case
    from schemathesis.core.transport import Response

    from tests.exchange_server import ExchangeServer
    from tests.services import Services

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "openapi-oauth.yaml"
DOCUMENT: Final[dict[str, Any]] = yaml.load(PAGE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
DESCRIPTION: Final = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS: Final = {
    path: DESCRIPTION[path][method.upper()] for path in DOCUMENT["paths"] for method in DOCUMENT["paths"][path]
}
ASKED: Final = (lane.TOKEN_PATH, lane.DEVICE_PATH, lane.INTROSPECTION_PATH, lane.REVOCATION_PATH, lane.VERIFY_PATH)
MODES: Final = list(schemathesis.GenerationMode)
CHECKS: Final = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
AT_ONCE: Final = 20


SECONDS: Final = float(os.environ.get("SECONDS") or 30)
"""For all endpoints that read what is sent, together."""


@pytest.fixture(scope="module")
def described(services: Services, django_db_blocker: Any) -> Iterator[ExchangeServer]:
    """A server of our own: what is sent here would count against the limits of others."""
    with exchange_server.running(services, django_db_blocker) as running:
        yield running


def test_the_page_is_openapi() -> None:
    validate(DOCUMENT)


def test_the_page_describes_every_address_of_the_lane(described: ExchangeServer) -> None:
    documents = {METADATA_PATH, OPENID_PATH, f"{lane.RESOURCE_PATH}/api", "/oauth/jwks", "/healthz", "/readyz"}
    known = documents | {lane.VERIFY_PATH, *lane.POSTED}
    assert set(DOCUMENT["paths"]) == known
    for path in known:
        assert described.http.request("TRACE", path).status_code == 405


@pytest.mark.parametrize("path", ASKED)
@pytest.mark.parametrize("is_known", [True, False], ids=["authenticated", "a stranger"])
def test_every_answer_is_one_that_is_described(path: str, described: ExchangeServer, *, is_known: bool) -> None:
    deadline = time.monotonic() + SECONDS / len(ASKED) / 2
    statuses: Counter[int] = Counter()
    while not statuses or time.monotonic() < deadline:
        statuses += explore(OPERATIONS[path], random.choice(MODES), described, is_known=is_known)
    assert statuses.total() > 2 * statuses[429], "mostly the limits answered"


@pytest.mark.parametrize("path", sorted(OPERATIONS.keys() - set(ASKED)))
def test_every_document_is_as_described(path: str, described: ExchangeServer) -> None:
    case = OPERATIONS[path].Case()
    assert check(case, described).status_code == 200


def check(case: Case[Any], server: ExchangeServer, **options: Any) -> Response:
    """The answer to a request, once it was found as described, and no token: nobody signed anything here."""
    response = case.call(base_url=server.url, **options)
    case.validate_response(response, checks=CHECKS)
    assert b'"access_token"' not in response.content
    return response


def explore(operation: Any, mode: Any, server: ExchangeServer, *, is_known: bool) -> Counter[int]:
    """Some requests of one kind, each checked: how often which status came back."""
    auth = server.basic if is_known and operation.path != lane.VERIFY_PATH else None
    statuses: Counter[int] = Counter()

    @seed(random.getrandbits(32))
    @settings(
        max_examples=AT_ONCE,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def one(case: Case[Any]) -> None:
        statuses[check(case, server, auth=auth).status_code] += 1

    one()
    return statuses


def test_the_checks_see_an_answer_that_is_not_described(described: ExchangeServer) -> None:
    """A planted difference: the description loses the status that the answer has."""
    changed = yaml.load(PAGE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    del changed["paths"]["/oauth/token"]["post"]["responses"]["400"]
    operation = schemathesis.openapi.from_dict(changed)[lane.TOKEN_PATH]["POST"]
    case = operation.Case(body={"grant_type": "none"}, media_type="application/x-www-form-urlencoded")
    with pytest.raises(FailureGroup) as caught:
        check(case, described)
    assert [type(failure) for failure in caught.value.exceptions] == [UndefinedStatusCode]
