"""What a server loads: ``uvicorn app.asgi:create --factory``."""

import gc
import os

from app.chosen import application
from app.http.edge import Application
from app.logs import configure
from app.settings import load
from app.tracing import tracing


def create() -> Application:
    """Raises SettingsError, NoApplication.

    Whatever is there when it returns stays for good: the garbage collector is told not to look at it again.
    """
    settings = load(os.environ)
    configure(settings.log_level, settings.log_format)
    app = application(settings, traces=tracing(os.environ))
    gc.freeze()
    gc.enable()
    return app
