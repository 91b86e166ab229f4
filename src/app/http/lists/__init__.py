"""Lists: what their query string may say, and what they answer.

A list of a resource is one line of ``opt`` and two of the handler:

    @get(opt=user_or_key(ProjectPermission.READ) | listing(PROJECT_FIELDS))
    async def list_projects(self, request, projects) -> ListView[ProjectView]:
        query = list_query(request, PROJECT_FIELDS)
        return listed(request, await projects.list(request.user, query), query, view)

`parameters` tells the OpenAPI document and the door what may be asked, `reading` reads it, `cursors` are where a list
goes on, `answers` is the answer.
"""

from app.http.lists.answers import ListView, listed
from app.http.lists.cursors import cursor_after
from app.http.lists.parameters import listing, parameter, switches, trail_parameters
from app.http.lists.reading import flag, limit_in, list_query, query_in

__all__ = (
    "ListView",
    "cursor_after",
    "flag",
    "limit_in",
    "list_query",
    "listed",
    "listing",
    "parameter",
    "query_in",
    "switches",
    "trail_parameters",
)
