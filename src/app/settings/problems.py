"""What can be wrong with the settings."""

from collections.abc import Iterable
from typing import Final

import msgspec

EX_CONFIG: Final = 78
"""The exit status of a service that refuses its settings (``sysexits.h``)."""


class Problem(msgspec.Struct, frozen=True):
    """What is wrong with one *variable* and how to mend it; never its value, so anybody may be shown it."""

    variable: str
    rule: str
    mend: str

    def __str__(self) -> str:
        return f"{self.variable} {self.rule}; {self.mend}"


class SettingsError(Exception):
    """Every *problem* of the environment at once; end the process with `EX_CONFIG`."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Wrong(ValueError):
    """A text that breaks a *rule*. *suffix* names the neighbour at fault, such as ``_FILE``."""

    def __init__(self, rule: str, mend: str, *, suffix: str = "") -> None:
        self.rule, self.mend, self.suffix = rule, mend, suffix
        super().__init__(rule)

    def problem(self, name: str) -> Problem:
        return Problem(name + self.suffix, self.rule, self.mend)
