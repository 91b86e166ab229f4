"""The figures of the goals, each a ratio taken within one run: ``python -m benchmarks``; see `README.md`.

    figures      a figure with its spread, its target and its verdict; the table
    servers      a server on one core, the load on the other, one awake at a time
    service      a throw-away Hexkey with people and keys in it
    bare, orm    what we are compared with, each a Litestar application of a few lines
    peers        what others make of the same, each in an environment of its own
    over_http, in_process, sign_ins, starting   the cases

Reads `app`, `adapters` and `domain` as any user of the package would; nothing there knows of it.
"""
