"""Frozen values and their transitions.

A change is a new value. The world comes in as arguments: ``now``, ``id``, ``digest``; nothing here reads a
clock, awaits or does I/O. What a function here has parsed, its type proves from then on.
"""
