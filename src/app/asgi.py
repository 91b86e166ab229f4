"""What a server loads: ``uvicorn app.asgi:create --factory``."""

import gc
import os

from app.chosen import application
from app.http.edge import Application
from app.logs import configure
from app.settings import load
from app.tracing import tracing


def create() -> Application:
    """``WEB_CONCURRENCY`` says how many processes serve. Raises SettingsError, NoApplication.

    Whatever is there when it returns stays for good: the garbage collector is told not to look at it again.
    """
    settings = load(os.environ)
    configure(settings.log_level, settings.log_format)
    workers = int(os.environ.get("WEB_CONCURRENCY", "1"))
    app = application(settings, workers=workers, traces=tracing(os.environ))
    gc.freeze()
    gc.enable()
    return app
