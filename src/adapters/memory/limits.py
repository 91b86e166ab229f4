"""Rate limits counted in this process."""

import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from domain.model.limits import Admission, Allowance, Policy, require_cost

_SWEEP = 2


@dataclass(slots=True)
class _Window:
    policy: Policy
    quota: int
    ends_at: float
    used: int = 0


class MemoryRateLimiter:
    """Exact in one process. *clock* counts seconds and never goes back.

    Of *share* processes that count apart, each admits that part of a quota, rounded down and at least one: together
    they never admit more than the quota, unless it is smaller than their number.

    Windows are kept by their length, in the order in which they begin, which is the order in which they end.
    Each new one takes up to two ended ones of its length away: there are never more than at the busiest moment.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, share: int = 1) -> None:
        self._clock = clock
        self._share = share
        self._by_length: defaultdict[int, OrderedDict[tuple[str, int, str], _Window]] = defaultdict(OrderedDict)

    async def hit(self, subject: str, policies: tuple[Policy, ...], *, cost: int = 1) -> Admission:
        """Raises Invalid for a cost below 1. A refused hit begins no window."""
        require_cost(cost)
        now, admitted = self._clock(), True
        windows = [self._window(subject, policy, now) for policy in policies]
        for window in windows:
            admitted = admitted and window.used + cost <= window.quota
        allowances = []
        for window in windows:
            if admitted:
                if not window.used:
                    self._begin(subject, window, now)
                window.used += cost
            allowances.append(Allowance(window.policy, window.quota - window.used, window.ends_at - now))
        return Admission(admitted, tuple(allowances))

    async def refund(self, subject: str, policies: tuple[Policy, ...], *, cost: int = 1) -> None:
        """Raises Invalid for a cost below 1. A window that is refunded in full runs on to its end."""
        require_cost(cost)
        now = self._clock()
        for policy in policies:
            window = self._window(subject, policy, now)
            window.used = max(0, window.used - cost)

    def _window(self, subject: str, policy: Policy, now: float) -> _Window:
        """The window that runs, or one that could begin."""
        window = self._by_length[policy.window].get((subject, policy.quota, policy.counter))
        if window is not None and now < window.ends_at:
            return window
        return _Window(policy, max(1, policy.quota // self._share), now + policy.window)

    def _begin(self, subject: str, window: _Window, now: float) -> None:
        windows = self._by_length[window.policy.window]
        key = (subject, window.policy.quota, window.policy.counter)
        if windows.get(key) is window:
            return
        for _ in range(min(_SWEEP, len(windows))):
            if now < next(iter(windows.values())).ends_at:
                break
            windows.popitem(last=False)
        windows[key] = window
        windows.move_to_end(key)
