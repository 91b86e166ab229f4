"""What may happen to the history while a worker reads and looks, and every order in which it can."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from adapters.leases import LeasedDirectory
from domain.model.leases import EVERYTHING
from tests.support.worlds import ABOUT_KEY, ABOUT_OTHERS, ABOUT_ROLE, ABOUT_USER, Kind, Steps, Worker, World


@dataclass(frozen=True)
class Scenario:
    """*before* happens unseen by the worker; *change* is what is promised to be heeded."""

    change: Callable[[World], None]
    before: Callable[[World, Worker], None] = lambda world, worker: None

    def play(
        self,
        order: Iterable[int],
        kind: Kind = LeasedDirectory,
        *,
        doing: str = "read looks change",
        paces: Iterable[float],
        knows: bool = True,
        clocks: tuple[float, float] = (1.0, 1.0),
    ) -> None:
        """The processes that are *doing* something take their steps in *order*, and between them *paces* pass.

        *knows* says whether the key was read before. Raises AcceptedTooLate.
        """
        world = World(*clocks)
        here = Worker(world, kind)
        self.before(world, here)
        if knows:
            here.finish(here.read())
        works = {"read": here.read, "look": here.look, "looks": here.looks, "change": lambda: self._changed(world)}
        processes = [Steps(works[word]()) for word in doing.split()]
        try:
            for turn, pace in zip(order, paces, strict=False):
                processes[turn].step()
                here.ask()
                here.let_pass(pace)
            here.let_pass(max(0.0, here.world.receipt - here.world.time))
            for _ in range(2):  # whatever it is told later must not bring back what was revoked
                here.finish(here.look())
                here.ask()
        finally:
            for process in processes:
                process.drop()

    async def _changed(self, world: World) -> None:
        self.change(world)


def orders(*lengths: int) -> Iterator[tuple[int, ...]]:
    """Every way to interleave processes of so many steps."""
    if not any(lengths):
        yield ()
    for turn, length in enumerate(lengths):
        if length:
            rest = (*lengths[:turn], length - 1, *lengths[turn + 1 :])
            for order in orders(*rest):
                yield turn, *order


def _pruned(world: World) -> None:
    world.revoke(ABOUT_KEY, ABOUT_OTHERS)
    del world.rows[:-1]


def _storm(world: World) -> None:
    world.revoke(*[f"key:{UUID(int=number)}" for number in range(7)], ABOUT_KEY)


def _restored(world: World) -> None:
    """From a backup that is two rows older, and three new ones since: one of them has the last ``seq`` again."""
    del world.rows[-2:]
    world.revoke(ABOUT_OTHERS, ABOUT_KEY, ABOUT_OTHERS)


def _restored_lower(world: World) -> None:
    del world.rows[-3:]
    world.revoke(ABOUT_KEY)


def _failover(world: World) -> None:
    """A row was lost that reads have seen and looks have not; the change takes its ``seq``."""
    world.rows.pop()
    world.start = "tuesday"
    world.revoke(ABOUT_KEY)


def _heard_then_lagging(world: World, worker: Worker) -> None:
    world.revoke(ABOUT_KEY)
    worker.finish(worker.look())
    world.lag = 1


SCENARIOS = {
    "a key": Scenario(lambda world: world.revoke(ABOUT_KEY)),
    "its owner": Scenario(lambda world: world.revoke(ABOUT_USER)),
    "a role of its owner": Scenario(lambda world: world.revoke(ABOUT_ROLE)),
    "everything": Scenario(lambda world: world.revoke(EVERYTHING)),
    "a key that changes twice": Scenario(
        lambda world: world.revoke(ABOUT_KEY), before=lambda world, _: world.append(ABOUT_KEY)
    ),
    "a history restored from a backup": Scenario(_restored),
    "a history that is shorter": Scenario(_restored_lower),
    "a history pruned past the last look": Scenario(_pruned),
    "more changes than one look takes in": Scenario(_storm),
    "a failover that lost a row": Scenario(_failover, before=lambda world, _: world.append(ABOUT_OTHERS)),
    "a source that lags behind what was heard": Scenario(lambda _: None, before=_heard_then_lagging),
    "time alone": Scenario(lambda _: None, before=lambda world, _: world.end_key(after=0.625)),
}
