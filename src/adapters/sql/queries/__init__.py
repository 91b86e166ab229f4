"""A domain `Query` in SQL: columns from a fixed map, never a name that came from outside, and every value bound.

`listing` makes the statements, `comparisons` are what the operators are in SQL, `positions` where a page goes on.
"""

from adapters.sql.queries.comparisons import Predicate, compared, members_of
from adapters.sql.queries.listing import Listing

__all__ = ("Listing", "Predicate", "compared", "members_of")
