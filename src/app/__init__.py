"""The driving sides, and the wiring.

settings      what differs between deployments, read once from the environment
composition   settings → Ports: the only module that knows the adapters; assembly makes Services of them
background    what is done while nobody asks: mail, sweeping
http          the service over HTTP; `asgi` is what a server loads
cli           the operator's commands over the same Services
logs          lines for people or for machines, never a secret
"""
