"""Rate limits over memcached: an adapter written from outside, which passes the suite that ours pass."""
