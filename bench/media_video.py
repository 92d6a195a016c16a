"""Eight frames of a clip, in a warm worker, against plain PyAV seeking and against decord, in the same run.

    python bench/media_video.py CLIP [--clips 50] [--frames 8]

All three give RGB pictures of the same frames, with one thread. At most 1.15 times the faster of the two is wanted.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
from PIL import Image

from vldata.media.refs import ClipRef, Sampling
from vldata.media.sampling import sample_indices
from vldata.media.videos import take_images


def by_seeking(path: str, frames: int) -> list[Image.Image]:
    """Seek to the key frame before each wanted time and decode until it comes."""
    taken = []
    with av.open(path) as container:
        stream = container.streams.video[0]
        stream.thread_count = 1
        times = sorted(packet.pts for packet in container.demux(stream) if packet.pts is not None)
        for index in sample_indices(len(times), Sampling(count=frames)):
            container.seek(times[index], stream=stream)
            taken.append(next(frame.to_image() for frame in container.decode(stream) if frame.pts == times[index]))
    return taken


def by_decord(path: str, frames: int) -> list[Image.Image]:
    """Let decord find the frames."""
    import decord

    reader = decord.VideoReader(path, ctx=decord.cpu(0), num_threads=1)
    return [Image.fromarray(frame) for frame in reader.get_batch(list(sample_indices(len(reader), Sampling(count=frames)))).asnumpy()]


def by_us(path: str, frames: int) -> list[Image.Image]:
    """Take them as the renderer does."""
    frames_of = take_images(ClipRef(path, path, Sampling(count=frames)), "pyav", lambda image: image)
    return [frames_of.taken[index] for index in frames_of.indices]


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--clips", type=int, default=50)
    parser.add_argument("--frames", type=int, default=8)
    arguments = parser.parse_args()
    clip = str(arguments.clip)
    ways: dict[str, Callable[[str, int], list[Image.Image]]] = {"seeking": by_seeking, "decord": by_decord, "ours": by_us}
    warm = {name: way(clip, arguments.frames) for name, way in ways.items()}
    for ours, theirs in zip(warm["ours"], warm["seeking"], strict=True):
        assert np.array_equal(np.asarray(ours), np.asarray(theirs)), "not the same frames"
    spent = dict.fromkeys(ways, 0.0)
    for _ in range(arguments.clips):
        for name, way in ways.items():
            started = time.process_time()
            way(clip, arguments.frames)
            spent[name] += time.process_time() - started
    for name, seconds in spent.items():
        print(f"{name}: {1000 * seconds / arguments.clips:.0f} ms of processor a clip")
    print(f"ratio: {spent['ours'] / min(spent['seeking'], spent['decord']):.3f}")


if __name__ == "__main__":
    main()
