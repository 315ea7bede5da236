"""What the database says of reference tokens: asked together, each answered for itself, and never guessed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from exchange.gathering import MAX_BATCH, MAX_QUEUED, Unanswered
from exchange.ledger_connection import REFERENCED, LedgerConnection
from exchange.models import IssuedToken
from exchange.references import References
from portal.database.connections import connection_parameters
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Work = Callable[[References], Awaitable[Any]]


def keep(text: str, **fields: Any) -> str:
    """The row of a token with this text; its digest."""
    now = datetime.now(UTC)
    good: dict[str, Any] = {
        "family_id": uuid4(),
        "event_id": uuid4(),
        "client_id": uuid4(),
        "audience": ["https://vault.example"],
        "issued_at": now,
        "expires_at": now + timedelta(minutes=5),
        "digest": digest_of(text),
        "claims": f'{{"text":"{text}"}}',
    }
    IssuedToken.objects.create(**good | fields)
    return str((good | fields)["digest"])


def digest_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


class _Counted(LedgerConnection):
    """A connection that counts its calls."""

    calls = 0

    async def call(self, parameters: list[bytes]) -> str:
        self.calls += 1
        return await super().call(parameters)


def asked(url: str, work: Work) -> int:
    """Run some questions; how many calls of the database they took."""
    link = _Counted(connection_parameters(url), REFERENCED)

    async def run() -> None:
        references = References(link)
        await work(references)
        await references.close()

    asyncio.run(run())
    return link.calls


def test_questions_of_one_pass_are_one_call_and_each_gets_its_own_answer(committed_database: str) -> None:
    first, second, lent = keep("one"), keep("two"), keep("three", claims=None)
    digests = [second, digest_of("never"), first, first, lent]

    async def work(references: References) -> None:
        found = await asyncio.gather(*(references.of(digest) for digest in digests))
        assert found == [{"text": "two"}, None, {"text": "one"}, {"text": "one"}, None]

    assert asked(committed_database, work) == 1


def test_more_questions_than_a_batch_holds_are_answered_all_the_same(committed_database: str) -> None:
    known = keep("known")
    digests = [*(digest_of(str(number)) for number in range(MAX_BATCH)), known]

    async def work(references: References) -> None:
        found = await asyncio.gather(*(references.of(digest) for digest in digests))
        assert found == [*[None] * MAX_BATCH, {"text": "known"}]

    assert asked(committed_database, work) == 2


def test_no_answer_is_kept(committed_database: str) -> None:
    digest = keep("one")

    async def work(references: References) -> None:
        assert await references.of(digest) == {"text": "one"}
        await asyncio.to_thread(_forget)
        assert await references.of(digest) is None

    assert asked(committed_database, work) == 2


def _forget() -> None:
    IssuedToken.objects.all().delete()
    connection.close()


def test_without_a_database_nobody_hears_what_a_token_says() -> None:
    async def work(references: References) -> None:
        with pytest.raises(Unanswered):
            await references.of(digest_of("one"))

    asked(f"postgresql://nobody@127.0.0.1:{free_port()}/nothing", work)


def test_a_row_that_nobody_can_read_is_no_answer(committed_database: str) -> None:
    digest = keep("one", claims="{")

    async def work(references: References) -> None:
        with pytest.raises(Unanswered):
            await references.of(digest)

    asked(committed_database, work)


def test_a_queue_that_is_full_refuses_at_once(committed_database: str) -> None:
    async def work(references: References) -> None:
        asking = [asyncio.ensure_future(references.of(digest_of(str(number)))) for number in range(MAX_QUEUED + 1)]
        found = await asyncio.gather(*asking, return_exceptions=True)
        assert found[:MAX_QUEUED] == [None] * MAX_QUEUED
        assert isinstance(found[MAX_QUEUED], Unanswered)

    asked(committed_database, work)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "broken"),
    [
        ({"claims": '{"text":"another"}'}, "issued_token_by_digest"),
        ({"digest": None}, "issued_token_with_claims_has_a_digest"),
    ],
)
def test_a_digest_names_one_token_and_claims_have_a_digest(fields: dict[str, Any], broken: str) -> None:
    keep("one")
    with pytest.raises(IntegrityError, match=broken), transaction.atomic():
        keep("one", **fields)


@pytest.mark.django_db
def test_looking_up_a_digest_needs_the_index_only() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN SELECT claims FROM exchange_issuedtoken WHERE digest = %s", [digest_of("one")])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "issued_token_by_digest" in plan
