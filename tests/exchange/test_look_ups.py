"""What the database's functions look up they look up by index, also by a plan that was made while tables were small.

Found by the benchmark: sessions kept plans of their first minute, and read a hundred thousand tokens for each question.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Ask = Callable[[psycopg.Connection, list[tuple[str, str]]], str]

GROW = """
WITH made AS (
    INSERT INTO exchange_tokenfamily (id, root_issuer, root_token_id, subject, created_at, expires_at, revoked_reason)
    SELECT gen_random_uuid(), 'https://issuer.example', 'root ' || n, 'alice', now(), now() + '1 h', ''
    FROM generate_series(1, %(count)s) AS n RETURNING id
), first AS (
    INSERT INTO exchange_issuedtoken
        (id, family_id, event_id, depth, client_id, kid, subject, audience, scope, issued_at, expires_at,
         digest, claims)
    SELECT gen_random_uuid(), id, gen_random_uuid(), 0, gen_random_uuid(), 'kid', 'alice', '{vault}', '', now(),
        now() + '1 h', encode(sha256(id::text::bytea), 'hex'), '"claims"'
    FROM made RETURNING id, family_id
), second AS (
    INSERT INTO exchange_issuedtoken
        (id, family_id, parent_id, event_id, depth, client_id, kid, subject, audience, scope, issued_at, expires_at)
    SELECT gen_random_uuid(), family_id, id, gen_random_uuid(), 0, gen_random_uuid(), 'kid', 'alice', '{vault}', '',
        now(), now() + '1 h'
    FROM first RETURNING id, family_id
), spent AS (
    INSERT INTO exchange_spentjti (purpose, issuer, jti, expires_at)
    SELECT 'assertion', 'client', family_id::text, now() + '1 h' FROM second
)
SELECT id, family_id FROM second LIMIT 3
"""
READ_WHOLE = """
SELECT relname FROM pg_stat_xact_user_tables
WHERE seq_scan > 0 AND relname IN ('exchange_issuedtoken', 'exchange_tokenfamily', 'exchange_spentjti')
"""
TIMES = 8
"""Beyond the five for which a session makes a plan anew."""


@pytest.fixture
def session(committed_database: str) -> Iterator[psycopg.Connection]:
    """One session, of which nothing stays."""
    with psycopg.connect(committed_database, prepare_threshold=None) as connection:
        yield connection
        connection.rollback()


def grown(session: psycopg.Connection, count: int) -> list[tuple[str, str]]:
    """As many more families, each of two tokens and with a spent identifier: a few of their last tokens and ids."""
    with session.transaction():  # what the transaction itself spent would count as a first use
        return [(str(token), str(family)) for token, family in session.execute(GROW, {"count": count})]


def reads_whole(session: psycopg.Connection) -> set[str]:
    """The tables that this transaction has read from end to end."""
    return {name for (name,) in session.execute(READ_WHOLE)}


def standing(session: psycopg.Connection, tokens: list[tuple[str, str]]) -> str:
    joined = "\x1f".join(token for token, _ in tokens)
    (answer,) = session.execute("SELECT exchange_standing(%s)", [joined]).fetchone() or ("",)
    return str(answer).partition(":")[2]


def stands(session: psycopg.Connection, tokens: list[tuple[str, str]]) -> str:
    query = "SELECT string_agg(left(exchange_stands(id)::text, 1), '') FROM unnest(%s::uuid[]) AS asked(id)"
    (answer,) = session.execute(query, [[token for token, _ in tokens]]).fetchone() or ("",)
    return str(answer)


def referenced(session: psycopg.Connection, tokens: list[tuple[str, str]]) -> str:
    joined = "\x1f".join(sha256(family.encode()).hexdigest() for _, family in tokens)
    (answer,) = session.execute("SELECT exchange_referenced(%s)", [joined]).fetchone() or ("",)
    return str(answer)


@pytest.mark.parametrize(
    ("ask", "expected"),
    [(standing, "lll"), (stands, "ttt"), (referenced, '["claims","claims","claims"]')],
)
def test_a_question_is_answered_by_index_before_and_after_the_tables_grew(
    session: psycopg.Connection, ask: Ask, expected: str
) -> None:
    few = grown(session, 3)
    assert [ask(session, few) for _ in range(TIMES)] == [expected] * TIMES
    many = grown(session, 3000)
    assert [ask(session, many) for _ in range(TIMES)] == [expected] * TIMES
    assert reads_whole(session) == set()


def test_a_second_use_is_found_by_index(session: psycopg.Connection) -> None:
    ((_, used), *_) = grown(session, 3)
    columns = sql.SQL(", ").join(sql.Placeholder() * 35)
    (epoch,) = session.execute("SELECT epoch FROM partners_registry WHERE id = 1").fetchone() or (0,)
    event = ["01a20822-8168-7334-a00b-d8ada556156e", "exchange.granted", "granted", "", "", "", "", "client",
             "01a20822-8168-7334-a00b-d8ada556156f", "{}", "00", "kek"]  # fmt: skip
    spend = ["1", "assertion", "client", used, "1"]
    values = [epoch, *event, *[""] * 15, *spend, "", ""]
    query = sql.SQL("SELECT exchange_record({})").format(columns)
    for _ in range(TIMES):
        assert session.execute(query, values).fetchone() == ("Rassertion",)
    grown(session, 3000)
    assert session.execute(query, values).fetchone() == ("Rassertion",)
    assert reads_whole(session) == set()


def test_the_functions_of_the_hot_path_keep_their_plans(session: psycopg.Connection) -> None:
    """Planned anew for every batch, as PostgreSQL would choose, the ledger's took a third longer."""
    query = "SELECT proname FROM pg_proc WHERE 'plan_cache_mode=force_generic_plan' = ANY(proconfig) ORDER BY 1"
    assert session.execute(query).fetchall() == [("exchange_record",), ("exchange_stands",)]
