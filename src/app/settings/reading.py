"""The way from the environment to the frozen settings."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from msgspec.structs import replace

from app.settings.clashes import clashes
from app.settings.dangers import dangers
from app.settings.environment import Environment
from app.settings.groups import providers, webhook_secrets
from app.settings.problems import Problem, SettingsError
from app.settings.secret import development_secrets
from app.settings.table import Above, Rule, Settings, rules, variable

METRICS_FOLDER: Final = "_HEXKEY_METRICS_FOLDER"
"""Names to the workers of one run the folder in which they tell each other what they count."""


def load(environ: Mapping[str, str]) -> Settings:
    """As `parse`, and with a root secret: in development one is made on the first start and kept."""
    settings = replace(parse(environ), metrics_folder=environ.get(METRICS_FOLDER), workers=_workers(environ))
    return settings if settings.secrets else replace(settings, secrets=development_secrets(settings.data_dir))


def parse(environ: Mapping[str, str]) -> Settings:
    """Writes nothing; without ``HEXKEY_SECRETS`` there are none in development.

    Raises SettingsError with everything that is wrong, and in production with everything that is unsafe too.
    """
    environment = Environment(environ)
    settings = _read(environment)
    environment.refuse_unread()
    environment.problems += _beyond(environment.problems, clashes(settings))
    unsafe = (*_beyond(environment.problems, dangers(settings)), *environment.exposed)
    refused = [*environment.problems, *(unsafe if settings.env == "production" else ())]
    if refused:
        raise SettingsError(refused)
    return replace(settings, warnings=unsafe)


def _workers(environ: Mapping[str, str]) -> int:
    """One, unless whoever starts several says so in the way that servers share."""
    said = environ.get("WEB_CONCURRENCY", "")
    return max(1, int(said)) if said.isdecimal() else 1


def _read(environment: Environment) -> Settings:
    """A refused setting stands at its default, so that everything else can still be judged."""
    values: dict[str, Any] = {}
    for field, rule in rules().items():
        default = _default(rule, values)
        values[field] = environment.read(variable(field, rule), rule.parse, default, secret=rule.secret)
    return Settings(**values, oidc=providers(environment), webhook_secrets=webhook_secrets(environment))


def _default(rule: Rule, above: Above) -> Any:
    match rule.default:
        case None:
            return None
        case str(text):
            return rule.parse(text)
        case make:
            return make(above)


def _beyond(noted: list[Problem], found: Iterable[Problem]) -> list[Problem]:
    """Those *found* whose variable is not at fault already: the others speak of a default nobody chose."""
    at_fault = {problem.variable.removesuffix("_FILE") for problem in noted}
    return [problem for problem in found if problem.variable not in at_fault]
