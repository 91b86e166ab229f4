"""What all workers share through Redis: so far the windows of the rate limits.

    scripts    the connections, and how scripts get to the server and their answers back
    limits     the windows of the rate limits, each a key that ends with it

Imports the domain and `redis`. Every key has an end, and none shows whom it is about. Nobody waits for Redis longer
than a tenth of a second; whoever needs an answer without it has another adapter stand in.
"""

from adapters.redis.limits import RedisRateLimiter

__all__ = ("RedisRateLimiter",)
