"""What the tests of an extension stand on; only the fixtures in ``hexkey_pytest`` import it, and nothing that serves.

people         who calls in a test, and how they come to be there
stage          one application for many tests: to build one takes longer than most tests
surroundings   the time and the mail, which a test has in its hand

It needs httpx, which comes with ``hexkey[pytest]``.
"""
