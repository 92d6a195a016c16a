"""Images and videos as LLaMA-Factory's Qwen3-VL plug-in takes them (0.9.5, data/mm_plugin.py): files, sizes, tokens."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from vldata.errors import DataError
from vldata.linting.consumer import Options
from vldata.linting.outcomes import RowFinding
from vldata.linting.pictures import ImageHeader, is_file
from vldata.linting.videos import look_at_video
from vldata.media.pixels import DEFAULT, find_family, llamafactory_resize, smart_resize, vision_tokens
from vldata.media.video_tokens import llamafactory_grid, llamafactory_video_tokens

_FRAME_PIXELS, _FRAME_MIN_PIXELS = 65_536, 256
_STRETCH = 1.25  # a change of shape that is worth a word; rounding makes less


class Media(NamedTuple):
    """What the media of a row are: the tokens of each, the sizes of images as stored, those that change, and what befalls them."""

    costs: list[int]
    sizes: list[tuple[int, int]]
    resized: list[str]
    found: list[RowFinding]


class MediaReader:
    """Looks at the media of the rows of one dataset."""

    def __init__(self, folder: Path, options: Options) -> None:
        self._folder = options.media_root or folder
        self._pictures = options.pictures
        self._files = options.files
        limits = {"max_pixels": options.settings.get("image_max_pixels"), "min_pixels": options.settings.get("image_min_pixels")}
        self._limits = {name: int(value) for name, value in limits.items() if value}

    def listed(self, value: Any) -> list[Any] | None:
        """Return the list a column holds, as `_find_medias` makes one: anything else is its only item, an empty list is none."""
        if value is None:
            return None
        if type(value) is not list:
            return [value]
        return value or None

    def images(self, items: list[Any]) -> Media:
        """Look at images in order; the first that stops the run ends it."""
        media = Media([], [], [], [])
        by_name = type(items[0]) is str
        for item in items:
            fault = self._fault(item, by_name=by_name)
            if fault is not None:
                media.found.append(fault)
                break
            if not self._files or type(item) is not str:
                media.found.append(RowFinding("LF94", "its images are not looked at"))
                media.costs.append(0)
                continue
            seen = self._pictures.look(is_file(self._folder, item) or item, item)
            if seen.error:
                media.found.append(RowFinding("LF51" if seen.error.startswith("FileNotFound") else "LF52", f"{item}: {seen.error}"))
                break
            self._size(item, seen, media)
        return media

    def _fault(self, item: Any, *, by_name: bool) -> RowFinding | None:
        if type(item) is str:
            if not item:
                return RowFinding("LF51", "FileNotFoundError: [Errno 2] No such file or directory: ''")
            if self._files and not is_file(self._folder, item) and not os.path.isabs(item):  # noqa: PTH117 - a name may be none that Path takes
                if os.path.isdir(os.path.join(self._folder, item)) if "\0" not in item else False:  # noqa: PTH112, PTH118
                    return RowFinding("LF52", f"IsADirectoryError: [Errno 21] Is a directory: {item!r}")
                return RowFinding("LF51", f"FileNotFoundError: [Errno 2] No such file or directory: {item!r:.120}")
            return None
        if by_name:
            return RowFinding("LF53", f"TypeError: join() argument must be str, bytes, or os.PathLike object, not {type(item).__name__!r}")
        if type(item) is bytes:
            return None
        if type(item) is dict:
            if "bytes" not in item:
                return RowFinding("LF53", "KeyError: 'bytes'")
            if item["bytes"] is None:
                path = item.get("path")
                if type(path) is not str or not os.path.isfile(path):  # noqa: PTH113 - from the working folder, as the trainer looks
                    return RowFinding("LF51", f"FileNotFoundError: [Errno 2] No such file or directory: {path!r}")
            return None
        return RowFinding("LF53", f"ValueError: Expect input is a list of images, but got {type(item)}.")

    def _size(self, name: str, seen: ImageHeader, media: Media) -> None:
        width, height = seen.width, seen.height
        first = llamafactory_resize(width, height, **self._limits)
        try:
            final = smart_resize(*first, processor=DEFAULT)
        except DataError as error:
            media.found.append(RowFinding("LF52", f"{name}: ValueError: {error.what}"))
            return
        media.costs.append(vision_tokens(*final, processor=DEFAULT, delimiters=True))
        media.sizes.append((width, height))
        if final != (width, height):
            media.resized.append(f"{name}: {width}x{height} becomes {final[0]}x{final[1]}")
        if seen.turned:
            media.found.append(RowFinding("LF72", f"{name}: orientation {seen.turn}"))
        if seen.alpha:
            media.found.append(RowFinding("LF73", name))
        if seen.mode.startswith("I"):
            media.found.append(RowFinding("LF74", f"{name}: mode {seen.mode}"))
        stretch = first[0] * height / (first[1] * width)
        if not 1 / _STRETCH < stretch < _STRETCH:
            media.found.append(RowFinding("LF75", f"{name}: {width}x{height} becomes {first[0]}x{first[1]}"))

    def videos(self, items: list[Any]) -> Media:
        """Look at videos in order: files, or lists of frames."""
        media = Media([], [], [], [])
        for item in items:
            if type(item) is list:
                self._frames(item, media)
            elif type(item) is str:
                self._video(item, media)
            else:
                media.found.append(RowFinding("LF53", f"a video is {type(item).__name__}"))
            if any(found.code in ("LF51", "LF52", "LF53", "LF93", "LF96") for found in media.found):
                break
        return media

    def _frames(self, frames: list[Any], media: Media) -> None:
        if not all(type(frame) is str for frame in frames) or not frames:
            media.found.append(RowFinding("LF53", "frames that are no paths"))
            return
        sizes = []
        for frame in frames:
            path = is_file(self._folder, frame)
            if not path and not Path(frame).exists():
                media.found.append(RowFinding("LF93", f"ValueError: Invalid image found in video frames. ({frame})"))
                return
            seen = self._pictures.look(path or frame, frame)
            if seen.error:
                media.found.append(RowFinding("LF52", f"{frame}: {seen.error}"))
                return
            sizes.append(llamafactory_resize(seen.width, seen.height, max_pixels=_FRAME_PIXELS, min_pixels=_FRAME_MIN_PIXELS))
        if len(set(sizes)) > 1:
            media.found.append(RowFinding("LF96", " and ".join(f"{width}x{height}" for width, height in sorted(set(sizes))[:2])))
            return
        width, height = sizes[0]
        columns, rows = (max(1, round(side / 32)) for side in (width, height))
        steps = -(-len(frames) // 2)
        media.costs.append(steps * (columns * rows + find_family(DEFAULT).delimiters + 6))
        media.sizes.append((steps, columns * rows))
        media.found.append(RowFinding("LF92", f"{len(frames)} frames"))

    def _video(self, name: str, media: Media) -> None:
        path = is_file(self._folder, name)
        if not path and not Path(name).is_file():
            media.found.append(RowFinding("LF93", f"FileNotFoundError: [Errno 2] No such file or directory: {name!r}"))
            return
        clip = look_at_video(path or name)
        if isinstance(clip, str):
            media.found.append(RowFinding("LF52", f"{name}: {clip}"))
            return
        media.costs.append(llamafactory_video_tokens(clip))
        grid = llamafactory_grid(clip)
        media.sizes.append((grid.steps, grid.rows * grid.columns))
