"""Everything that differs between deployments: read once from the environment, then frozen.

    table        every setting: its type, its rule, its default; one line each
    parsers      text to value, or `Wrong` with the rule and the mend; `urls` has those that point somewhere
    environment  where the text comes from: variables and the files they name
    groups       the settings that a deployment names itself: providers and webhook sources
    reading      the way from the environment to the Struct
    problems     what can be wrong, and how it is told
    dangers      what is refused in production, and only warned of in development
    secret       a text that does not show itself; what makes a root secret weak; the one made in development

Imports the standard library and msgspec. To add a setting: a line in `table`, and in `dangers` when
there is a value of it that must never serve strangers.
"""

from app.settings.groups import OidcProvider
from app.settings.parsers import Limit, Network
from app.settings.problems import EX_CONFIG, Problem, SettingsError
from app.settings.reading import load, parse
from app.settings.secret import Secret, development_secrets, made_secret
from app.settings.table import Settings
from app.settings.urls import Database

__all__ = [
    "EX_CONFIG",
    "Database",
    "Limit",
    "Network",
    "OidcProvider",
    "Problem",
    "Secret",
    "Settings",
    "SettingsError",
    "development_secrets",
    "load",
    "made_secret",
    "parse",
]
