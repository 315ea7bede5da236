"""The verdicts of the benchmark: which ratio meets which gate, which answers count, and who writes which part."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.bench import figures, report, session, tables
from tests.bench.contenders import Contender
from tests.bench.generator import Sent

if TYPE_CHECKING:
    from pathlib import Path

    import psutil

FAST, SLOW = figures.GATES[0], figures.GATES[-1]
SUBJECT = figures.SUBJECT


def sent(**changes: Any) -> Sent:
    figures = {
        "answers": 100,
        "refused": 0,
        "unexpected": 0,
        "lost": 0,
        "seconds": 1.0,
        "p50": 1.0,
        "p95": 1.0,
        "p99": 1.0,
    }
    return Sent(**figures | changes)


def contender(**fields: Any) -> Contender:
    root = cast("psutil.Process", None)
    return Contender(key="any", name="any", port=0, path="/", root=root, lines=lambda _: (), **fields)


@pytest.mark.parametrize(("least", "most", "verdict"), [(5.0, 0.8, "met"), (4.99, 0.81, "missed")])
def test_a_gate_is_met_at_its_limit_and_missed_beyond_it(least: float, most: float, verdict: str) -> None:
    ratios = {(SUBJECT, 64, FAST.kind): least, (SUBJECT, 64, SLOW.kind): most}
    assert [gate.verdict(ratios) for gate in (FAST, SLOW)] == [verdict, verdict]
    assert report.gates(ratios).count(verdict) == 2


def test_a_gate_is_about_its_subject_token_and_its_number_of_callers_alone() -> None:
    ratios = {("ES256", 64, FAST.kind): 9.0, (SUBJECT, 16, FAST.kind): 9.0}
    assert FAST.verdict(ratios) == "not measured"


def test_processor_time_has_its_limit_where_all_three_signatures_are_alike() -> None:
    (whole,) = (gate for gate in figures.GATES if gate.kind == "CPU / crypto floor")
    assert whole.verdict({("ES256", 64, whole.kind): 3.3, (SUBJECT, 64, whole.kind): 4.0}) == "met"
    assert whole.verdict({("ES256", 64, whole.kind): 3.31}) == "missed"


def test_every_gate_names_a_ratio_that_is_taken() -> None:
    assert {gate.kind for gate in figures.GATES} <= {kind.name for kind in figures.KINDS}


def test_answers_count_when_each_has_its_row_and_its_share() -> None:
    mixed = contender(shares={"": 0.7, "token.expired": 0.3})
    assert session._checked(contender(), sent(), 4, lambda: Counter({"": 103})) == 3
    assert session._checked(mixed, sent(refused=30), 4, lambda: Counter({"": 70, "token.expired": 30})) == 0
    assert session._checked(contender(), sent(), 4, None) == 0


@pytest.mark.parametrize(
    ("wrong", "rows"),
    [
        (sent(refused=1), Counter({"": 100})),
        (sent(lost=1), Counter({"": 100})),
        (sent(unexpected=1), Counter({"": 100})),
        (sent(answers=0), Counter({"": 0})),
        (sent(), Counter({"": 99})),
        (sent(), Counter({"": 105})),
        (sent(refused=1), Counter({"": 99, "token.expired": 1})),
    ],
)
def test_one_wrong_answer_or_one_without_its_row_spoils_the_run(wrong: Sent, rows: Counter[str]) -> None:
    with pytest.raises(session.Wrong):
        session._checked(contender(), wrong, 4, lambda: rows)


def test_kinds_of_answers_beyond_their_share_spoil_the_run() -> None:
    mixed = contender(shares={"": 0.7, "token.expired": 0.3})
    rows = Counter({"": 600, "token.expired": 400})
    with pytest.raises(session.Wrong):
        session._checked(mixed, sent(answers=1000, refused=400), 4, lambda: rows)


def test_the_benchmark_and_the_growth_each_replace_their_own_part_of_the_page(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    tables.write_figures(page, "# Benchmarks\n\nold\n")
    tables.write_growth(page, f"{tables.GROWTH}\n\nold growth\n")
    tables.write_figures(page, "# Benchmarks\n\nnew\n")
    assert page.read_text(encoding="utf-8") == f"# Benchmarks\n\nnew\n\n{tables.GROWTH}\n\nold growth\n"
    tables.write_growth(page, f"{tables.GROWTH}\n\nnew growth\n")
    assert page.read_text(encoding="utf-8") == f"# Benchmarks\n\nnew\n\n{tables.GROWTH}\n\nnew growth\n"
