"""``biblio serve`` and ``biblio scheduler``: the two processes that stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from biblio.logs import configure

if TYPE_CHECKING:
    from biblio.runtime import Runtime


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="Port to listen on.")
@click.option("--threads", default=8, show_default=True, type=click.IntRange(1, 64), help="Requests at a time.")
@click.pass_context
def serve(ctx: click.Context, host: str, port: int, threads: int) -> None:
    """Serve the web pages (waitress). Large sites: gunicorn 'biblio.web:create_app_from_environment()'.

    \b
    Examples:
      biblio serve
      biblio serve --host 0.0.0.0 --port 8080
    """
    from biblio.web import create_app, start
    from biblio.web.listening import listen

    runtime: Runtime = ctx.obj()
    runtime.settings.secret()
    configure(as_json=runtime.settings.log_json, level=runtime.settings.log_level)
    server = listen(start(create_app(runtime)), host=host, port=port, threads=threads)
    click.echo(
        f"Serving {runtime.profile.observatory.name} on http://{host}:{server.effective_port}/ (stop with Ctrl-C)"
    )
    server.run()


@click.command()
@click.pass_context
def scheduler(ctx: click.Context) -> None:
    """Run the jobs at their times. Start it on as many machines as you like: one leads, the others stand by.

    \b
    Example:
      biblio scheduler
    """
    from biblio.scheduler import run_for_ever

    runtime: Runtime = ctx.obj()
    configure(as_json=runtime.settings.log_json, level=runtime.settings.log_level)
    run_for_ever(runtime)
