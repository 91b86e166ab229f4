"""The application that a process is about: ours, or the one that ``HEXKEY_APP`` names."""

import os
import sys
from importlib import import_module

from app.composition import assemble, connect
from app.http.application import Exposure, create_app
from app.http.edge import Application
from app.settings import Settings
from app.tracing import Tracing


class NoApplication(Exception):
    """Nothing by that name makes an application of ours; says why."""


def application(settings: Settings, *, traces: Tracing | None = None) -> Application:
    """What is named has wired itself: of ours alone *traces* are made. Raises NoApplication."""
    if settings.app is not None:
        return named(settings.app)
    services = assemble(connect(settings, spans=None if traces is None else traces.span))
    if traces is not None:
        services = traces.traced(services)
    return create_app(services, Exposure.of(settings), tracing=traces)


def named(name: str) -> Application:
    """What ``module:name`` is, or makes; it may be in the folder where the process runs. Raises NoApplication."""
    module, _, attribute = name.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # at the end: nothing there takes the place of what is installed
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise NoApplication(f"{name} is not there: {error}") from error
    made = found if isinstance(found, Application) else found()
    if not isinstance(made, Application):
        raise NoApplication(f"{name} makes no application of Hexkey's")
    return made
