from datetime import timedelta

import pytest

from domain.errors import IdempotencyInProgress, IdempotencySecretGone
from domain.model.idempotency import Answer, Record
from tests.support.examples import a_claim
from tests.support.fakes import START

SECOND, MINUTE, MOMENT = timedelta(seconds=1), timedelta(minutes=1), timedelta(microseconds=1)
DAY = timedelta(hours=24)


@pytest.fixture
def record() -> Record:
    given = a_claim()
    return Record.claim(digest=given.digest, fingerprint=given.fingerprint, id=given.claim_id, now=START)


def test_a_claim_is_somebodys_for_a_minute(record: Record) -> None:
    assert not record.is_free(now=START + MINUTE - MOMENT)
    assert record.is_free(now=START + MINUTE)
    with pytest.raises(IdempotencyInProgress):
        record.answer(now=START + DAY - MOMENT)


def test_an_answer_is_told_for_a_day_from_the_claim_on(record: Record) -> None:
    done = record.answered(b"sealed", is_secret=False, now=START + SECOND)
    assert done.answer(now=START + SECOND) == done.answer(now=START + DAY - MOMENT) == b"sealed"
    assert not done.is_free(now=START + DAY - MOMENT)
    assert done.is_free(now=START + DAY)
    assert done.is_expired(now=START + DAY)


def test_a_secret_is_told_for_ten_minutes_and_its_record_stays_for_the_day(record: Record) -> None:
    done = record.answered(b"sealed", is_secret=True, now=START + SECOND)
    assert done.answer(now=START + SECOND + 10 * MINUTE - MOMENT) == b"sealed"
    with pytest.raises(IdempotencySecretGone):
        done.answer(now=START + SECOND + 10 * MINUTE)
    assert not done.is_free(now=START + DAY - MOMENT)


def test_a_draft_is_read_by_nobody_else_for_five_seconds(record: Record) -> None:
    draft = record.drafted(b"sealed", is_secret=True, now=START)
    assert not draft.is_free(now=START + 5 * SECOND - MOMENT)
    with pytest.raises(IdempotencyInProgress):
        draft.answer(now=START + 5 * SECOND - MOMENT)
    assert draft.answer(now=START + 5 * SECOND) == b"sealed"
    assert not draft.is_free(now=START + MINUTE)


def test_neither_shows_what_it_holds(record: Record) -> None:
    assert "sealed" not in repr(record.answered(b"sealed bytes", is_secret=True, now=START)).replace("sealed=", "")
    assert "content" not in repr(Answer(b"content", is_secret=True)).replace("content=", "")
