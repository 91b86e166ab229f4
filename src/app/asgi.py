"""What a server loads: ``uvicorn app.asgi:create --factory``."""

import gc
import os
from pathlib import Path

from app.composition import assemble, connect, counted
from app.http.application import Exposure, create_app
from app.http.edge import Application
from app.logs import configure
from app.settings import load

METRICS_FOLDER = "_HEXKEY_METRICS_FOLDER"
"""Names to the workers of one run the folder in which they tell each other what they count."""


def create() -> Application:
    """``WEB_CONCURRENCY`` says how many processes serve. Raises SettingsError.

    Whatever is there when it returns stays for good: the garbage collector is told not to look at it again.
    """
    settings = load(os.environ)
    configure(settings.log_level, settings.log_format)
    workers = int(os.environ.get("WEB_CONCURRENCY", "1"))
    ports = connect(settings, workers=workers)
    if settings.metrics_token is not None:
        ports = counted(ports)
    folder = os.environ.get(METRICS_FOLDER)
    app = create_app(assemble(ports), Exposure.of(settings, metrics_folder=Path(folder) if folder else None))
    gc.freeze()
    gc.enable()
    return app
