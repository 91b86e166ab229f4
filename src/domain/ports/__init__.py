"""What the use cases need from the world: one Protocol per need, one file per noun.

A docstring says what a name cannot; every ``Raises`` here is a test that runs over every adapter.

Verbs mean one thing everywhere: ``get`` must find, ``find`` may not, ``add`` is new, ``save`` was read before,
``list_…`` is ordered and bounded. Any of them raises Unavailable when what it stands on is away, and a write
EditConflict when two units of work waited for each other: one goes on, the other may be tried again. Of several reasons
to refuse, the one that is named first is given.
"""
