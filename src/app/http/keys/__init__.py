"""`/v1/api-keys`: what is sent (`inputs`), what is answered (`views`), and the routes between them (`controller`)."""

from app.http.keys.controller import KeyController
from app.http.keys.views import KeyView, issued_view, receipt_view, rotated_view, verification_view, view

__all__ = (
    "KeyController",
    "KeyView",
    "issued_view",
    "receipt_view",
    "rotated_view",
    "verification_view",
    "view",
)
