"""`vleval chat`: a page on this machine to show a model a picture and ask it."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Annotated

import typer

from vleval.cli import options as o


def chat(
    model: o.Model,
    data: Annotated[
        str,
        typer.Option("--data", help="Dataset whose wording, system message and pixels are used.", metavar="DIR/NAME", show_default=False),
    ] = "",
    backend: o.Backend = "openai",
    base_url: o.BaseUrl = "",
    adapter: o.Adapter = "",
    dtype: o.Dtype = "auto",
    max_tokens: o.MaxTokens = 512,
    timeout_s: o.TimeoutS = 300.0,
    host: Annotated[str, typer.Option(help="Address to listen on; by default only this machine can reach the page.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65_535)] = 7860,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Serve a page to upload pictures and ask a model about them, as a dataset asks; nothing is shared or reported anywhere."""
    from vldata.datasets.dataset import Dataset
    from vldata.terminal import note
    from vleval.chatpage.page import build_page, require_gradio, serve_page
    from vleval.chatpage.session import Manner, open_session, read_manner
    from vleval.crosscheck.backends import Spec, open_backend
    from vleval.inference.ask import Sampler

    require_gradio()
    # Read by gradio and the hub client when they are imported.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    manner = read_manner(Dataset(data)) if data else Manner()
    spec = Spec(backend, model, base_url, adapter)
    opened = open_backend(spec, sampler=Sampler(max_tokens=max_tokens), dtype=dtype, timeout_s=timeout_s, key=o.api_key(), tell=False)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # an end by either signal leaves no uploads behind
    with open_session(opened, manner) as session:
        os.environ["GRADIO_TEMP_DIR"] = str(session.folder / "uploads")
        page = build_page(session, f"{backend}: {Path(model).name}{' with ' + Path(adapter).name if adapter else ''}")
        note(f"Page: http://{host}:{port} ({manner.origin}). Ctrl-C ends it.")
        if host not in ("127.0.0.1", "localhost", "::1"):
            note("Warning: whoever reaches this address can ask the model; there is no password.")
        serve_page(page, session, host=host, port=port, open_browser=open_browser)
