"""Where a request came from, as the edge found it."""

from litestar.types import Scope

from domain.model.actors import Origin


def origin_of(scope: Scope) -> Origin:
    state = scope["state"]
    agents = [value for name, value in scope["headers"] if name == b"user-agent"]
    return Origin(
        address=state.get("address"),
        request_id=state.get("request_id"),
        user_agent=agents[0][:256].decode("latin-1") if agents else None,
    )
