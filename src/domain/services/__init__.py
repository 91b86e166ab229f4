"""One class per noun, one method per use case.

Every use case reads in one order: prepare (parse, hash, mint, look at the clock), open the unit of work, load,
ask the model, save, record, return. Nothing slow happens inside a unit of work. Who acts comes first.

*Why here.* Authorisation is asked in these methods, not at the edge: a handler without a guard still cannot read
or write what its caller may not.
"""
