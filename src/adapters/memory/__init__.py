"""Every driven port without a database: real and transactional, for tests, demos and the first five minutes.

A noun has its repository in the file of its name; what repositories stand on is in ``tables``. To add one: a `Table` in
`unit_of_work.Tables` with its unique indexes, a repository over it, a line in `MemoryUnitOfWork`. The contract tests
and the random walk hold it to what SQL does.
"""

from adapters.memory.access import MemoryAccessDirectory
from adapters.memory.unit_of_work import MemoryDatabase

__all__ = ("MemoryAccessDirectory", "MemoryDatabase")
