"""The page: upload, ask, read. Gradio draws it; answers are text, never markup."""

from __future__ import annotations

import importlib.util
import threading
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from vldata.errors import MissingExtraError, UsageError, VlkitError
from vleval.chatpage.guard import Guard
from vleval.chatpage.session import GREEDY, ChatTurn, Session, Talk, describe, transcript
from vleval.chatpage.words import ENGLISH, Words
from vleval.inference.ask import MOST_SEED, MOST_TOKENS, Sampler

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


def _asking(session: Session, words: Words, sampler: Sampler, same: Any) -> Callable[..., Iterator[list[Any]]]:
    """What the button does: yields answers, earlier turns, details, pictures, conversations, and the files still to be sent.

    `same` leaves the files as they are; once they were sent they are cleared, so that a further question does not send them again.
    """
    count = len(session.labels)

    def ask(
        files: list[str] | None, question: str, talks: list[Talk], system: str, most: Any, temperature: Any, top_p: Any, seed: Any
    ) -> Iterator[list[Any]]:
        turns: tuple[ChatTurn, ...] = ()
        pictures: list[str] = []
        earlier = [transcript(talk, words) for talk in talks]
        given = {"max_tokens": most, "temperature": temperature, "top_p": top_p, "seed": seed}  # None: a field that was emptied
        try:
            drawn = msgspec.structs.replace(
                sampler,
                **{
                    name: int(value) if name in ("max_tokens", "seed") else float(value)
                    for name, value in given.items()
                    if value is not None
                },
            )
            for turns in session.stream(files or [], question or "", talks=talks, system=system, sampler=drawn):
                pictures = [picture.path for picture in turns[0].pictures]
                yield [*(turn.reply.answer for turn in turns), *earlier, "", pictures, talks, same]
        except VlkitError as error:
            yield [*[""] * count, *earlier, words.not_asked.format(error), [], talks, same]
            return
        details = []
        for label, turn in zip(session.labels, turns, strict=True):
            said = words.no_answer.format(turn.reply.error) + "\n" if turn.reply.error else ""
            details.append((f"{label}\n" if count > 1 else "") + said + describe(turn, words))
        kept = [(*talk, turn) for talk, turn in zip(talks, turns, strict=True)]
        answered = all(not turn.reply.error for turn in turns)
        yield [*(turn.reply.answer for turn in turns), *earlier, "\n\n".join(details), pictures, kept, None if answered else same]

    return ask


def build_page(session: Session, title: str, words: Words = ENGLISH, sampler: Sampler = GREEDY) -> Any:
    """The page as gradio Blocks: a column of answers for each model."""
    import gradio as gr

    count = len(session.labels)

    def begin() -> list[Any]:
        return [*[""] * count, *[""] * count, "", [], [()] * count, None, ""]

    with gr.Blocks(title=title, analytics_enabled=False, delete_cache=(3_600, 3_600)) as page:
        talks = gr.State([()] * count)
        gr.Textbox(f"{title}: {session.manner.origin(words)}", show_label=False, interactive=False, container=False, elem_id="manner")
        with gr.Row():
            with gr.Column():
                files = gr.File(label=words.pictures, file_count="multiple", type="filepath", elem_id="pictures")
                question = gr.Textbox(label=words.question, lines=3, max_length=20_000, elem_id="question")
                with gr.Row():
                    button = gr.Button(words.ask, variant="primary", elem_id="ask")
                    new = gr.Button(words.new, elem_id="new")
                with gr.Accordion(words.settings, open=False):
                    system = gr.Textbox(session.manner.system, label=words.system, lines=2, max_length=20_000, elem_id="system")
                    most = gr.Number(
                        sampler.max_tokens, label=words.max_tokens, precision=0, minimum=1, maximum=MOST_TOKENS, elem_id="most"
                    )
                    temperature = gr.Slider(0, 2, sampler.temperature, step=0.05, label=words.temperature, elem_id="temperature")
                    top_p = gr.Slider(0, 1, sampler.top_p, step=0.05, label=words.top_p)
                    seed = gr.Number(sampler.seed or 0, label=words.seed, precision=0, minimum=0, maximum=MOST_SEED)
            with gr.Column():
                with gr.Row():
                    answers = [_box(gr, words.answer, place, session.labels, "answer", 6) for place in range(count)]
                with gr.Row():
                    earlier = [_box(gr, words.earlier, place, session.labels, "earlier", 3) for place in range(count)]
                details = gr.Textbox(label=words.details, lines=8, interactive=False, elem_id="details")
                shown = gr.Gallery(label=words.shown, columns=2, height=320, object_fit="contain", interactive=False, elem_id="shown")
        outputs = [*answers, *earlier, details, shown, talks, files]
        given: dict[str, Any] = {
            "fn": _asking(session, words, sampler, gr.skip()),
            "inputs": [files, question, talks, system, most, temperature, top_p, seed],
            "outputs": outputs,
            "concurrency_limit": 1,
            "concurrency_id": "ask",  # the button and the Enter key share the one worker
            "api_visibility": "private",
        }
        button.click(**given)
        question.submit(**given)
        new.click(begin, outputs=[*outputs, question], api_visibility="private")
    return page


def _box(gr: Any, label: str, place: int, labels: Sequence[str], name: str, lines: int) -> Any:
    titled = f"{label}: {labels[place]}" if len(labels) > 1 else label
    return gr.Textbox(label=titled, lines=lines, interactive=False, elem_id=name + (str(place + 1) if place else ""))


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
