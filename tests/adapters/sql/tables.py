"""Tables that only these tests know, and the statements on them."""

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from adapters.sql.base import Id, Instant, Json, Row
from adapters.sql.statements import Statement

metadata = MetaData(naming_convention=Row.metadata.naming_convention)

people = Table(
    "people",
    metadata,
    Column("id", Id, primary_key=True),
    Column("email", String(320), nullable=False, unique=True),
    Column("nick", String(64)),
    Column("age", Integer, nullable=False),
)
Index("ux_people_nick", func.lower(people.c.nick), unique=True)

notes = Table(
    "notes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("person_id", ForeignKey("people.id"), nullable=False, index=True),
    Column("title", String(64), nullable=False),
    UniqueConstraint("person_id", "title"),
)

things = Table(
    "things",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", Instant),
    Column("json", Json),
    Column("blob", LargeBinary),
    Column("text", String(64)),
    Column("flag", Boolean),
)

ADD_PERSON = Statement(insert(people))
GET_PERSON = Statement(select(people.c.email, people.c.age).where(people.c.id == bindparam("id")))
COUNT_PEOPLE = Statement(select(func.count(people.c.id)))
GROW = Statement(update(people).where(people.c.id == bindparam("id")).values(age=people.c.age + bindparam("by")))
REMOVE_PERSON = Statement(delete(people).where(people.c.id == bindparam("id")))
ADD_NOTE = Statement(insert(notes))
ADD_THING = Statement(insert(things))
GET_THING = Statement(select(things).where(things.c.id == bindparam("id")))
