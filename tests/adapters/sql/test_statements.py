"""What both databases promise alike."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid4

import pytest
from sqlalchemy import bindparam, delete, insert, select, update

from adapters.sql.statements import Duplicate, MissingReference, Statement, refusing
from domain.errors import EmailTaken, UserNotFound
from tests.adapters.sql.tables import (
    ADD_NOTE,
    ADD_PERSON,
    ADD_THING,
    COUNT_PEOPLE,
    GET_PERSON,
    GET_THING,
    GROW,
    REMOVE_PERSON,
    people,
    things,
)


def person(**changes):
    return {"id": uuid4(), "email": f"{uuid4()}@example.com", "nick": None, "age": 40} | changes


def thing(**values):
    return dict.fromkeys(things.columns.keys()) | {"id": uuid4()} | values


async def run(database, *steps):
    """All *steps*, a statement and its values each, in one unit of work."""
    async with database.writing() as unit:
        for statement, values in steps:
            await unit.execute(statement, **values)


async def add(database, *everyone):
    await run(database, *((ADD_PERSON, one) for one in everyone))


async def fetch(database, statement, **values):
    async with database.reading() as connection:
        return await connection.fetch(statement, **values)


async def count(database):
    return (await fetch(database, COUNT_PEOPLE))[0][0]


@pytest.mark.parametrize(
    "values",
    [
        {"at": datetime(2026, 3, 1, 12, 30, 59, 123456, UTC)},
        {"at": datetime(999, 3, 1, tzinfo=UTC)},
        {"at": datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=5, minutes=30)))},
        {"json": {"a": [1, 2.5, None, True, "é"], "b": {}}},
        {"json": []},
        {"blob": bytes(range(256))},
        {"text": "o'clock %s %% $1 :x ? 😀", "flag": True},
        {"flag": False},
        {},
    ],
)
async def test_what_is_written_is_read(database, values) -> None:
    written = thing(**values)
    async with database.writing() as unit:
        assert await unit.execute(ADD_THING, **written) == 1
        assert await unit.fetch_one(GET_THING, id=written["id"]) == tuple(written.values())
    [read] = await fetch(database, GET_THING, id=written["id"])
    assert dict(zip(written, read, strict=True)) == written
    assert isinstance(read[0], UUID)
    assert read[1] is None or read[1].tzinfo is UTC


async def test_a_naive_instant_is_refused(database) -> None:
    async with database.writing() as unit:
        with pytest.raises(TypeError, match="time zone"):
            await unit.execute(ADD_THING, **thing(at=datetime(2026, 3, 1)))  # noqa: DTZ001 (the point of the test)


async def test_instants_sort_by_time(database) -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    instants = [start + timedelta(microseconds=n) for n in (0, 1, 999_999, 1_000_000, 10**11)]
    async with database.writing() as unit:
        for at in reversed(instants):
            await unit.execute(ADD_THING, **thing(at=at))
    after = Statement(select(things.c.at).where(things.c.at > bindparam("start")).order_by(things.c.at))
    assert await fetch(database, after, start=start) == [(at,) for at in instants[1:]]


async def test_a_list_in_the_statement_may_be_of_any_length(database) -> None:
    ada, bob, cleo = everyone = [person(age=age) for age in (20, 30, 40)]
    await add(database, *everyone)
    among = Statement(
        select(people.c.age)
        .where(people.c.id.in_(bindparam("ids", expanding=True)), people.c.age.in_([20, 40]))
        .order_by(people.c.age)
    )
    assert await fetch(database, among, ids=[]) == []
    assert await fetch(database, among, ids=[ada["id"], bob["id"]]) == [(20,)]
    assert await fetch(database, among, ids=[each["id"] for each in (cleo, bob, ada)]) == [(20,), (40,)]


async def test_a_statement_tells_how_many_rows_it_changed_or_gives_them_back(database) -> None:
    ada = person()
    grown = Statement(update(people).where(people.c.id == bindparam("id")).values(age=50).returning(people.c.id))
    async with database.writing() as unit:
        await unit.execute_many(ADD_PERSON, [ada, person()])
        assert await unit.execute(GROW, id=ada["id"], by=2) == 1
        assert await unit.execute(GROW, id=uuid4(), by=2) == 0
        assert await unit.fetch(Statement(insert(people).returning(people.c.age)), **person(age=7)) == [(7,)]
        assert await unit.fetch_one(grown, id=ada["id"]) == (ada["id"],)
        assert await unit.fetch_one(grown, id=uuid4()) is None
        assert await unit.execute(Statement(delete(people))) == 3


@pytest.mark.parametrize(("values", "said"), [({}, r"missing \['id'\]"), ({"id": 1, "ix": 2}, r"unknown \['ix'\]")])
async def test_missing_and_unknown_values_are_named(database, values, said) -> None:
    async with database.reading() as connection:
        with pytest.raises(TypeError, match=said):
            await connection.fetch(GET_PERSON, **values)


async def test_reading_refuses_to_write(database) -> None:
    async with database.reading() as connection:
        with pytest.raises(TypeError, match="unit of work"):
            await connection.fetch(ADD_PERSON, **person())


async def test_reading_refuses_to_hold_rows_back_from_others(database) -> None:
    locking = Statement(select(people.c.id).with_for_update())
    async with database.reading() as connection:
        with pytest.raises(TypeError, match="unit of work"):
            await connection.fetch(locking)
    async with database.writing() as unit:
        assert await unit.fetch(locking) == []


async def test_a_unit_reads_what_its_write_returns(database) -> None:
    remove = Statement(delete(people).where(people.c.id == bindparam("id")).returning(people.c.id, people.c.email))
    gone = person()
    await run(database, (ADD_PERSON, gone), (ADD_PERSON, person()))

    async with database.writing() as unit:
        assert await unit.fetch(remove, id=gone["id"]) == [(gone["id"], gone["email"])]
        assert await unit.fetch_one(remove, id=gone["id"]) is None
    async with database.reading() as connection:
        assert await connection.fetch(COUNT_PEOPLE) == [(1,)]


async def test_a_unit_of_work_is_undone_by_an_exception(database) -> None:
    async def fail():
        async with database.writing() as unit:
            await unit.execute(ADD_PERSON, **person())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await count(database) == 0


async def test_others_see_a_unit_of_work_when_it_is_over(database) -> None:
    async with database.writing() as unit:
        await unit.execute(ADD_PERSON, **person())
        assert await unit.fetch_one(COUNT_PEOPLE) == (1,)
        assert await count(database) == 0
    assert await count(database) == 1


async def test_a_unit_of_work_may_only_read_or_do_nothing(database) -> None:
    async with database.writing() as unit:
        assert await unit.fetch_one(COUNT_PEOPLE) == (0,)
    async with database.writing():
        pass


@pytest.mark.parametrize(
    ("column", "second"),
    [("id", {}), ("email", {"email": "ada@example.com"}), ("nick", {"nick": "ADA"})],
)
async def test_a_duplicate_is_told_by_its_first_column(database, column, second) -> None:
    ada = person(email="ada@example.com", nick="ada")
    await add(database, ada)
    with pytest.raises(Duplicate) as violation:
        await add(database, person(**(second or {"id": ada["id"]})))
    assert (violation.value.table, violation.value.first_column) == ("people", column)
    assert await count(database) == 1


def note(owner):
    return {"id": uuid4(), "person_id": owner["id"], "title": "x"}


async def test_a_duplicate_of_two_columns_is_told_by_the_first(database) -> None:
    ada = person()
    with pytest.raises(Duplicate) as violation:
        await run(database, (ADD_PERSON, ada), (ADD_NOTE, note(ada)), (ADD_NOTE, note(ada)))
    assert (violation.value.table, violation.value.first_column) == ("notes", "person_id")


async def test_a_missing_reference_is_told_by_the_table_that_was_written(database) -> None:
    ada = person()
    with pytest.raises(MissingReference) as missing:
        await run(database, (ADD_NOTE, note(ada)))
    assert missing.value.table == "notes"
    with pytest.raises(MissingReference) as missing:
        await run(database, (ADD_PERSON, ada), (ADD_NOTE, note(ada)), (REMOVE_PERSON, {"id": ada["id"]}))
    assert missing.value.table == "people"


async def test_violations_are_refused_in_the_words_of_the_domain(database) -> None:
    ada = person()
    await add(database, ada)
    with pytest.raises(EmailTaken), refusing(duplicate={"email": EmailTaken()}):
        await add(database, person(email=ada["email"]))
    with pytest.raises(UserNotFound), refusing(duplicate={"email": EmailTaken()}, missing=UserNotFound()):
        await run(database, (ADD_NOTE, note(person())))


async def test_a_violation_that_nobody_named_passes_as_it_is(database) -> None:
    ada = person()
    await add(database, ada)
    with pytest.raises(Duplicate), refusing(duplicate={"email": EmailTaken()}, missing=UserNotFound()):
        await add(database, person(id=ada["id"]))
    with pytest.raises(MissingReference), refusing(duplicate={"email": EmailTaken()}):
        await run(database, (ADD_NOTE, note(person())))


async def swallow(database, ada, *, then):
    async with database.writing() as unit:
        await unit.execute(ADD_PERSON, **ada)
        with suppress(Duplicate):
            await unit.execute(ADD_PERSON, **ada)
        await then(unit)


async def test_a_swallowed_refusal_commits_nothing(database) -> None:
    async def nothing(unit):
        pass

    with pytest.raises(RuntimeError, match="a refused write was swallowed"):
        await swallow(database, person(), then=nothing)
    assert await count(database) == 0


async def test_after_a_refusal_no_statement_runs(database) -> None:
    async def read(unit):
        with pytest.raises(RuntimeError, match="a refused write was swallowed"):
            await unit.fetch(COUNT_PEOPLE)

    with pytest.raises(RuntimeError, match="a refused write was swallowed"):
        await swallow(database, person(), then=read)


async def test_a_cancelled_unit_of_work_is_undone(database) -> None:
    written = asyncio.Event()

    async def unit_of_work():
        async with database.writing() as unit:
            await unit.execute(ADD_PERSON, **person())
            written.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(unit_of_work())
    await written.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await add(database, person())
    assert await count(database) == 1


async def test_many_units_of_work_at_once_all_count(database) -> None:
    ada = person(age=0)
    await add(database, ada)

    async def grow():
        async with database.writing() as unit:
            await unit.execute(GROW, id=ada["id"], by=1)

    await asyncio.gather(*(grow() for _ in range(50)))
    assert await fetch(database, GET_PERSON, id=ada["id"]) == [(ada["email"], 50)]
