"""Everything that differs between deployments: read once from the environment, then frozen.

    table        every setting: its type, its rule, its default; one line each
    parsers      text to value, or `Wrong` with the rule and the mend; `urls` and `databases` have those that point
                 somewhere; durations, limits and addresses are read by `domain.model`
    environment  where the text comes from: variables and the files they name
    groups       the settings that a deployment names itself: providers and webhook sources
    reading      the way from the environment to the Struct
    problems     what can be wrong, and how it is told
    clashes      what no deployment can start with, though each setting alone is right
    dangers      what is refused in production, and only warned of in development
    secret       a text that does not show itself; what makes a root secret weak; the one made in development

Imports the standard library, msgspec, and the domain's model for what that can read as well. To add a setting: a line
in `table`, one in `docs/settings.md`, and one in `dangers` when there is a value of it that must never serve strangers.
"""

from app.settings.databases import Database
from app.settings.groups import OidcProvider
from app.settings.parsers import Network
from app.settings.problems import EX_CONFIG, Problem, SettingsError
from app.settings.reading import METRICS_FOLDER, load, parse
from app.settings.secret import Secret, development_secrets, made_secret
from app.settings.table import Settings

__all__ = [
    "EX_CONFIG",
    "METRICS_FOLDER",
    "Database",
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
