"""What others tell us, signed by them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Signed:
    """What a signature has proved to come from its source, and the names that its sender gave it.

    *event* is None where the headers do not say. GitHub signs the body alone: its *delivery_id* and *event* are what
    whoever sent it says.
    """

    delivery_id: str
    event: str | None
