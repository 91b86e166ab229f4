from typing import NamedTuple


class Connections(NamedTuple):
    """How many are open, and how many of those somebody is using; there are never more than *at_most*."""

    used: int
    opened: int
    at_most: int
