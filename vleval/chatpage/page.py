"""The page: upload, ask, read. Gradio draws it; answers are text, never markup."""

from __future__ import annotations

import importlib.util
import threading
import webbrowser
from typing import Any

from vldata.errors import MissingExtraError, UsageError, VlkitError
from vleval.chatpage.guard import Guard
from vleval.chatpage.session import Session, describe

MOST_BYTES = 64 * 1024 * 1024


def page_address(host: str, port: int, token: str) -> str:
    """Where the page is to be opened."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{name}:{port}/" + (f"?token={token}" if token else "")


def require_gradio() -> None:
    """See that the extra is there, before a model is loaded for nothing.

    Raises:
        MissingExtraError: gradio is not installed.
    """
    if importlib.util.find_spec("gradio") is None:
        raise MissingExtraError("the chat page", "web")


def build_page(session: Session, title: str) -> Any:
    """The page as gradio Blocks."""
    import gradio as gr

    def ask(files: list[str] | None, question: str) -> tuple[str, str, list[str]]:
        try:
            turn = session.ask(files or [], question or "")
        except VlkitError as error:
            return "", f"Not asked: {error}", []
        if turn.reply.error:
            return "", f"No answer: {turn.reply.error}\n{describe(turn)}", [picture.path for picture in turn.pictures]
        return turn.reply.answer, describe(turn), [picture.path for picture in turn.pictures]

    with gr.Blocks(title=title, analytics_enabled=False, delete_cache=(3_600, 3_600)) as page:
        gr.Textbox(f"{title}: {session.manner.origin}", show_label=False, interactive=False, container=False, elem_id="manner")
        with gr.Row():
            with gr.Column():
                files = gr.File(label="Pictures", file_count="multiple", type="filepath", elem_id="pictures")
                question = gr.Textbox(label="Question", lines=3, max_length=20_000, elem_id="question")
                button = gr.Button("Ask", variant="primary", elem_id="ask")
            with gr.Column():
                answer = gr.Textbox(label="Answer", lines=6, interactive=False, elem_id="answer")
                details = gr.Textbox(label="What was shown and asked", lines=8, interactive=False, elem_id="details")
                shown = gr.Gallery(
                    label="As the model sees it", columns=2, height=320, object_fit="contain", interactive=False, elem_id="shown"
                )
        given: dict[str, Any] = {
            "fn": ask,
            "inputs": [files, question],
            "outputs": [answer, details, shown],
            "concurrency_limit": 1,
            "concurrency_id": "ask",  # the button and the Enter key share the one worker
            "api_visibility": "private",
        }
        button.click(**given)
        question.submit(**given)
    return page


def serve_page(page: Any, session: Session, *, host: str, port: int, open_browser: bool, token: str) -> None:
    """Serve until interrupted: on this machine alone unless told otherwise, without sharing, monitoring or outside fonts.

    With a `token` only a browser that was given it is answered.

    Raises:
        UsageError: the port is taken.
    """
    import gradio as gr
    from starlette.middleware import Middleware

    fonts = ["system-ui", "sans-serif"]
    guard = Middleware(Guard, host=host, port=port, token=token)
    if open_browser:  # gradio would open the address without its token
        threading.Timer(2.0, webbrowser.open, [page_address(host, port, token)]).start()
    try:
        page.launch(
            server_name=host,
            server_port=port,
            inbrowser=False,
            app_kwargs={"middleware": [guard]},
            share=False,
            quiet=True,
            show_error=False,
            enable_monitoring=False,
            mcp_server=False,
            ssr_mode=False,
            pwa=False,
            run_history=False,
            footer_links=[],
            max_file_size=MOST_BYTES,
            allowed_paths=[str(session.folder)],
            theme=gr.themes.Default(font=fonts, font_mono=["monospace"]),
        )
    except OSError as error:
        raise UsageError(f"cannot be served: {error}.", where=f"{host}:{port}", cure="Choose another --port.") from None
