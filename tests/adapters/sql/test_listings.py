"""Statements of lists: a page after a position begins where it says, and what callers ask fills no memory."""

import sqlite3
from itertools import combinations

from adapters.sql import keys, projects
from adapters.sql.queries import Listing
from adapters.sql.queries.listing import KEPT
from adapters.sql.statements import Statement
from domain.model.keys import KEY_FIELDS
from domain.model.queries import NEWEST_FIRST, Operator, Sort
from tests.adapters.sql.plans import plan
from tests.support.queries import forms


def pages(listing: Listing, *sorting: Sort) -> list[Statement]:
    sorts = sorting or NEWEST_FIRST
    return [listing._page_statement(sorts, (), missing) for missing in (None, (False,) * (len(sorts) + 1))]


def test_a_page_begins_where_the_last_one_ended(connection: sqlite3.Connection) -> None:
    of_all, of_one = Listing.of(keys.KEYS, KEY_FIELDS), Listing.of(keys.KEYS, KEY_FIELDS, keys._OF_OWNER)
    assert [plan(connection, page) for page in (*pages(of_all), *pages(of_one))] == [
        ["SCAN api_keys USING INDEX ix_api_keys_created_at"],
        ["SEARCH api_keys USING INDEX ix_api_keys_created_at ((created_at,id)<(?,?))"],
        ["SEARCH api_keys USING INDEX ix_api_keys_owner_id (owner_id=?)"],
        ["SEARCH api_keys USING INDEX ix_api_keys_owner_id (owner_id=? AND (created_at,id)<(?,?))"],
    ]


def test_a_page_in_two_directions_begins_at_the_first_of_them(connection: sqlite3.Connection) -> None:
    _, after = pages(Listing.of(projects._PROJECTS, projects.PROJECT_FIELDS), *NEWEST_FIRST, Sort("name"))
    first, *_ = plan(connection, after)
    assert first == "SEARCH projects USING INDEX ix_projects_created_at (created_at<?)"


def test_of_all_that_may_be_asked_only_so_much_is_kept() -> None:
    listing = Listing.of(keys.KEYS, KEY_FIELDS, others=keys._DERIVED)
    terms = [(field.name, operator, None) for field, operator in forms(KEY_FIELDS) if operator is not Operator.ISNULL]
    for some in combinations(terms, 2):
        listing._page(NEWEST_FIRST, some, None)
        listing._count(some)
    assert len(list(combinations(terms, 2))) > KEPT
    assert listing._page.cache_info().currsize == listing._count.cache_info().currsize == KEPT
