import os

import click
import msgspec

from app.settings import EX_CONFIG, Problem, SettingsError, parse

PASSWORD_GRANT = "HEXKEY_PASSWORD_GRANT is on, though RFC 9700 advises against it; write off if no client needs it"


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def doctor(as_json: bool) -> None:
    """Say what is unsafe or missing, each with its mend; changes nothing."""
    wrong: tuple[Problem, ...] = ()
    unsafe: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    try:
        settings = parse(os.environ)
        unsafe = settings.warnings
        notes = (PASSWORD_GRANT,) if settings.password_grant and not unsafe else ()
    except SettingsError as error:
        wrong = error.problems
    findings = (*wrong, *unsafe)
    if as_json:
        click.echo(msgspec.json.encode({"data": findings, "notes": notes}))
    else:
        for problem in findings:
            click.echo(problem)
        click.echo("Wrong." if wrong else "Fit for development, not for production." if unsafe else "Nothing is wrong.")
        for note in notes:
            click.echo(f"Note: {note}")
    if wrong:
        raise click.exceptions.Exit(EX_CONFIG)
