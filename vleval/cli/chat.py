"""`vleval chat`: a page on this machine to show a model a picture and ask it."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Annotated

from vldata.flags import Flag
from vleval.chatpage.words import Language
from vleval.cli.options import api_key
from vleval.inference.ask import MOST_TOKENS
from vleval.inference.options import Adapter, AnswerTimeout, BackendName, BaseUrl, Dtype, ModelName


def chat(
    *,
    model: ModelName,
    data: Annotated[str, Flag("Dataset whose wording, system message and pixels are used.", metavar="DIR/NAME", show_default=False)] = "",
    backend: BackendName = "openai",
    base_url: BaseUrl = "",
    adapter: Adapter = "",
    dtype: Dtype = "auto",
    beside: Annotated[
        str,
        Flag(
            "A second model, asked the same side by side: NAME@MODEL[+ADAPTER][=URL], as for parity.",
            metavar="BACKEND",
            show_default=False,
        ),
    ] = "",
    lang: Annotated[Language, Flag("Language of the page: en or zh.")] = "en",
    max_tokens: Annotated[int, Flag("Most tokens of an answer.", metavar="N", least=1, most=MOST_TOKENS)] = 512,
    timeout_s: AnswerTimeout = 300.0,
    host: Annotated[str, Flag("Address to listen on; by default only this machine can reach the page.")] = "127.0.0.1",
    port: Annotated[int, Flag("Port to listen on.", least=1, most=65_535)] = 7860,
    token: Annotated[
        bool, Flag("Answer only a browser that opens the address with its random token.", ("--token/--no-token",), show_default=False)
    ] = True,
    open_browser: Annotated[bool, Flag("Open the page in the browser.", ("--open",))] = False,
) -> None:
    """Serve a page to upload pictures and ask a model about them, as a dataset asks; nothing is shared or reported anywhere."""
    from vldata.datasets.dataset import Dataset
    from vldata.terminal import note
    from vleval.chatpage.guard import make_token
    from vleval.chatpage.page import build_page, page_address, require_gradio, serve_page
    from vleval.chatpage.session import Manner, open_session, read_manner
    from vleval.chatpage.talking import open_talker
    from vleval.chatpage.words import WORDS
    from vleval.crosscheck.backends import Spec, parse_backend
    from vleval.inference.ask import Sampler

    require_gradio()
    # Read by gradio and the hub client when they are imported.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    manner = read_manner(Dataset(data)) if data else Manner()
    specs = [Spec(backend, model, base_url, adapter), *([parse_backend(beside, model)] if beside else [])]
    opened = [open_talker(spec, dtype=dtype, timeout_s=timeout_s, key=api_key()) for spec in specs]
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # an end by either signal leaves no uploads behind
    with open_session(opened, manner) as session:
        os.environ["GRADIO_TEMP_DIR"] = str(session.folder / "uploads")
        title = f"{backend}: {Path(model).name}{' with ' + Path(adapter).name if adapter else ''}"
        page = build_page(session, title, WORDS[lang], Sampler(max_tokens=max_tokens))
        secret = make_token() if token else ""
        note(f"Page: {page_address(host, port, secret)} ({manner.origin(WORDS[lang])}). Ctrl-C ends it.")
        if host not in ("127.0.0.1", "localhost", "::1"):
            who = "has this address with its token" if secret else "reaches this address"
            note(f"Warning: whoever {who} can ask the model; nothing on the way is encrypted.")
        serve_page(page, session, host=host, port=port, open_browser=open_browser, token=secret)
