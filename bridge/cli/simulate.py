"""The command `simulate`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bridge.cli.loops import run_until_signal
from bridge.cli.output import say, show
from bridge.simulator import FaultRates, ProgressStyle, SimulatorSettings, serve_simulator

app = typer.Typer()

_FAULTS = "Faults (share of reads, 0 to 1)"


def _fault(what: str) -> Any:
    return typer.Option(min=0, max=1, metavar="SHARE", help=what, rich_help_panel=_FAULTS)


@app.command()
def simulate(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on. 0 takes a free one.")] = 8090,
    duration: Annotated[float, typer.Option(min=0, metavar="SECONDS", help="Median time a video takes.")] = 30.0,
    spread: Annotated[
        float, typer.Option(min=0, help="How far durations scatter (sigma, log-normal). 0: all the same.")
    ] = 0.0,
    failure_rate: Annotated[
        float, typer.Option(min=0, max=1, metavar="SHARE", help="Share of videos that fail.")
    ] = 0.0,
    progress: Annotated[ProgressStyle, typer.Option(help="How progress grows.")] = ProgressStyle.SMOOTH,
    seed: Annotated[int, typer.Option(help="The same seed makes the same run.")] = 0,
    api_key: Annotated[
        str | None, typer.Option(metavar="KEY", help="Ask clients for this key. Without it none is asked for.")
    ] = None,
    rate_limited: Annotated[float, _fault("429 with Retry-After.")] = 0.0,
    server_error: Annotated[float, _fault("500.")] = 0.0,
    hang: Annotated[float, _fault("No answer.")] = 0.0,
    reset: Annotated[float, _fault("The connection is closed.")] = 0.0,
    not_json: Annotated[float, _fault("A web page instead of JSON.")] = 0.0,
) -> None:
    """Run a local server that speaks the Videos API, for trials without a paid key. It makes no videos."""
    settings = SimulatorSettings(
        duration=duration,
        spread=spread,
        failure_rate=failure_rate,
        progress=progress,
        seed=seed,
        api_key=api_key,
        faults=FaultRates(
            rate_limited=rate_limited, server_error=server_error, hang=hang, reset=reset, not_json=not_json
        ),
    )

    def ready(base_url: str) -> None:
        say("The simulator is ready; Ctrl-C ends it. Point clients, and `video-bridge serve`, at it:")
        show(f"export OPENAI_BASE_URL={base_url}")
        if api_key is not None:
            show(f"export OPENAI_API_KEY={api_key}")

    run_until_signal(serve_simulator(settings, host, port, ready=ready))
