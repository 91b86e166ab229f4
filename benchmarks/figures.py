"""What was measured, beside what was wanted."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Target:
    """The *least* and the *most* that are good, in the figure's unit; None is no bound."""

    least: float | None = None
    most: float | None = None

    def __str__(self) -> str:
        if self.least is not None and self.most is not None:
            return f"{self.least:g} - {self.most:g}"
        return f"≤ {self.most:g}" if self.least is None else f"≥ {self.least:g}"

    def is_met(self, value: float) -> bool:
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)


def at_least(bound: float) -> Target:
    return Target(least=bound)


def at_most(bound: float) -> Target:
    return Target(most=bound)


def between(least: float, most: float) -> Target:
    return Target(least, most)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """The median of *rounds*. Without rounds it could not be taken here, and *note* says why."""

    goal: str
    what: str
    rounds: Sequence[float] = ()
    unit: str = "x"
    target: Target | None = None
    note: str = ""

    @property
    def value(self) -> float:
        return median(self.rounds)

    @property
    def verdict(self) -> str:
        if not self.rounds:
            return "not here"
        if self.target is None:
            return "no goal"
        return "met" if self.target.is_met(self.value) else "not met"

    def cells(self) -> tuple[str, ...]:
        if not self.rounds:
            return (self.goal, self.what, "-", "-", str(self.target or ""), f"{self.verdict}: {self.note}")
        spread = f"{shown(min(self.rounds))} - {shown(max(self.rounds))}"
        verdict = f"{self.verdict} ({self.note})" if self.note else self.verdict
        return (self.goal, self.what, f"{shown(self.value)} {self.unit}", spread, str(self.target or ""), verdict)

    def plain(self) -> dict[str, Any]:
        return {
            "goal": self.goal,
            "what": self.what,
            "figure": self.value if self.rounds else None,
            "unit": self.unit,
            "rounds": list(self.rounds),
            "target": str(self.target) if self.target else None,
            "verdict": self.verdict,
            "note": self.note,
        }


def shown(value: float) -> str:
    return f"{value:.2f}" if value < 100 else f"{value:.0f}"


def table(figures: Iterable[Figure]) -> str:
    rows = [("goal", "what", "figure", "spread", "target", "verdict"), *(figure.cells() for figure in figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def paired(rounds: int, reference: Callable[[], float], case: Callable[[], float]) -> list[tuple[float, float]]:
    """For each round the case, and the mean of the reference right before it and right after it."""
    pairs, before = [], reference()
    for _ in range(rounds):
        taken, after = case(), reference()
        pairs.append((taken, (before + after) / 2))
        before = after
    return pairs
