import click

from app.cli.session import served
from app.composition import Services
from domain.model.actors import Actor


@click.group()
def access() -> None:
    """What the workers remember of credentials."""


@access.command()
@click.option("--json", "as_json", is_flag=True, help="Print nothing: the answer has no body.")
def flush(as_json: bool) -> None:
    """Have every worker forget what it remembers, such as after a change made by SQL; it is bound like a revocation."""

    async def work(services: Services, actor: Actor) -> None:
        await services.flush_access()

    served(work)
    if not as_json:
        click.echo("Every worker reads anew what credentials may do.")
