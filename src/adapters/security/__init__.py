"""Secrets: how they are made, hashed, signed and read back.

Imports the domain, `cryptography`, `argon2`, `jwt` and `msgspec`; no other adapter. It does no I/O, but for one file
of its own: the passwords that many people have.
Every key in here is derived from the operator's root secrets (`roots`), under a label of its own: a new kind
of secret takes a new purpose, and never borrows the pepper of another.

The first root secret signs and hashes, all of them verify; dropping one ends what only it could verify.
"""
