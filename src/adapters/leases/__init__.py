"""A cache of what credentials may do, with a bound on how stale it can be.

`LeasedDirectory` decorates any `AccessDirectory` and follows its `AccessChanges`; ``domain.model.leases`` argues why
the bound holds. Each rule in here closes a hole that was reproduced: change none without the tests of every order in
which a read, a commit and a look can fall.

Imports the domain and nothing else.
"""

from adapters.leases.directory import LeasedDirectory

__all__ = ("LeasedDirectory",)
