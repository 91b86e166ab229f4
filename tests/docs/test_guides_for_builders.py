"""What the guides say to those who build on it is what happens."""

from tests.docs.test_guides import (
    BUILDING,
    EVERY,
    address,
    test_every_command_prints_what_the_guide_shows,
    test_every_python_block_runs,
    test_there_is_no_block_that_nothing_checks,
    test_what_is_shown_of_the_examples_stands_there,
)

__all__ = (
    "address",
    "test_every_command_prints_what_the_guide_shows",
    "test_every_python_block_runs",
    "test_there_is_no_block_that_nothing_checks",
    "test_what_is_shown_of_the_examples_stands_there",
)

GUIDES = [guide for guide in EVERY if guide.stem in BUILDING]
assert len(GUIDES) == len(BUILDING)
