"""Rate limits counted by Redis: exact over all workers and processes."""

from hashlib import sha256

from adapters.redis.scripts import RedisScripts, Script
from domain.model.limits import Admission, Allowance, Policy, require_cost

_HIT = Script("""
local cost, fits, used, ends = tonumber(ARGV[1]), true, {}, {}
for i, key in ipairs(KEYS) do
  ends[i] = redis.call('PTTL', key)
  used[i] = ends[i] > 0 and tonumber(redis.call('GET', key)) or 0
  fits = fits and used[i] + cost <= tonumber(ARGV[2 * i])
end
local answer = {fits and 1 or 0}
for i, key in ipairs(KEYS) do
  local runs, length = ends[i] > 0, tonumber(ARGV[2 * i + 1])
  if fits and runs then redis.call('INCRBY', key, cost) end
  if fits and not runs then redis.call('SET', key, cost, 'PX', length) end
  answer[2 * i] = used[i] + (fits and cost or 0)
  answer[2 * i + 1] = runs and ends[i] or length
end
return answer
""")
"""The cost, and for each window its quota and its milliseconds; back come whether it fits, what is used and left."""

_REFUND = Script("""
for _, key in ipairs(KEYS) do
  local used = tonumber(redis.call('GET', key) or 0)
  if used > 0 then redis.call('DECRBY', key, math.min(used, tonumber(ARGV[1]))) end
end
""")


class RedisRateLimiter:
    """One script for each call. A window is a key that ends by the clock of Redis, and no other clock counts.

    *url*, and how it fails, are those of `RedisScripts`. Keys begin with *prefix* and do not show their subject.
    """

    def __init__(self, url: str, *, prefix: str = "hexkey:limits:", timeout: float = 0.1) -> None:
        self._scripts = RedisScripts(url, timeout=timeout)
        self._prefix = prefix

    async def hit(self, subject: str, policies: tuple[Policy, ...], *, cost: int = 1) -> Admission:
        """Raises Invalid for a cost below 1, Unavailable. A refused hit begins no window."""
        require_cost(cost)
        if not policies:
            return Admission(admitted=True)
        limits = [number for policy in policies for number in (policy.quota, policy.window * 1000)]
        fits, *windows = await self._scripts.run(_HIT, self._keys(subject, policies), cost, *limits)
        allowances = [
            Allowance(policy, policy.quota - used, left / 1000)
            for policy, used, left in zip(policies, windows[::2], windows[1::2], strict=True)
        ]
        return Admission(bool(fits), tuple(allowances))

    async def refund(self, subject: str, policies: tuple[Policy, ...], *, cost: int = 1) -> None:
        """Raises Invalid for a cost below 1, Unavailable. A window that is refunded in full runs on to its end."""
        require_cost(cost)
        if policies:
            await self._scripts.run(_REFUND, self._keys(subject, policies), cost)

    async def check(self) -> None:
        """Raises Unavailable."""
        await self._scripts.check()

    async def close(self) -> None:
        await self._scripts.close()

    def _keys(self, subject: str, policies: tuple[Policy, ...]) -> list[str]:
        """A script reaches keys of one slot of a cluster only: the braces hold what tells the slot."""
        place = f"{self._prefix}{{{sha256(subject.encode()).hexdigest()}}}"
        return [f"{place}:{policy.quota}/{policy.window}{_counter(policy)}" for policy in policies]


def _counter(policy: Policy) -> str:
    return f":{policy.counter}" if policy.counter else ""
