"""The rules of the service: what users, keys and projects are, and who may do what.

    services   one class per noun, one method per use case; opens the unit of work
       │
     ports     what the use cases need from the world
       │
     model     frozen values and their transitions; no I/O, no clock

Imports point downwards, and nothing in this room imports outside the standard library.

To add a noun: a file of the same name in model, ports and services, its permissions as a ``StrEnum``
beside its model, its refusals as leaves in `errors`.
"""
