"""Rendering references in killable workers: the one entry point of converters' media."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from vldata.media.engines import open_pool
from vldata.media.pool import DEFAULT_MEMORY_LIMIT_BYTES, DEFAULT_TIMEOUT_S, WorkerPool
from vldata.media.refs import ClipRef, MediaRef, Rendering, RenderSpec, VideoRef


class Renderer(WorkerPool):
    """A warm pool of rendering workers, for callers that render shard after shard.

    ```python
    with Renderer(spec, workers=8) as renderer:
        for index, rendering in renderer.map_unordered(refs):
            ...
    ```
    """

    def __init__(
        self,
        spec: RenderSpec,
        *,
        workers: int,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        memory_limit_bytes: int | None = DEFAULT_MEMORY_LIMIT_BYTES,
    ) -> None:
        super().__init__(
            "vldata.media.render:open_renderer", spec, workers=workers, timeout_s=timeout_s, memory_limit_bytes=memory_limit_bytes
        )


def render(
    refs: Iterable[MediaRef], spec: RenderSpec, *, workers: int, timeout_s: float = DEFAULT_TIMEOUT_S
) -> Iterator[tuple[int, Rendering]]:
    """Yield (index of the reference, what became of it) in the order of completion; references are taken lazily.

    Raises:
        DataError: the output folder cannot be written to.
        MissingExtraError: the decoder is not installed.
    """
    with open_pool("vldata.media.render:open_renderer", spec, workers=workers, timeout_s=timeout_s) as renderer:
        yield from renderer.map_unordered(refs)


def open_renderer(spec: RenderSpec) -> Callable[[MediaRef], Rendering]:
    """Load the libraries once, and return the work of one worker: a reference to its pictures."""
    from vldata.media.decode import warm_up
    from vldata.media.kept import keep_video
    from vldata.media.pictures import render_picture
    from vldata.media.videos import check_decoder, render_clip

    check_decoder(spec.decoder)
    warm_up()

    def work(ref: MediaRef) -> Rendering:
        if isinstance(ref, VideoRef):
            return keep_video(ref, spec)
        return render_clip(ref, spec) if isinstance(ref, ClipRef) else render_picture(ref, spec)

    return work
