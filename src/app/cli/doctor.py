import os

import click
import msgspec

from app.settings import EX_CONFIG, Problem, SettingsError, parse


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def doctor(as_json: bool) -> None:
    """Say what is unsafe or missing, each with its mend; changes nothing."""
    wrong: tuple[Problem, ...] = ()
    unsafe: tuple[Problem, ...] = ()
    try:
        unsafe = parse(os.environ).warnings
    except SettingsError as error:
        wrong = error.problems
    findings = (*wrong, *unsafe)
    if as_json:
        click.echo(msgspec.json.encode({"data": findings}))
    else:
        for problem in findings:
            click.echo(problem)
        click.echo("Wrong." if wrong else "Fit for development, not for production." if unsafe else "Nothing is wrong.")
    if wrong:
        raise click.exceptions.Exit(EX_CONFIG)
