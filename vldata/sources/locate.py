"""What annotations give for a picture or video, and where it lies: paths below known folders, bytes, base64, data URLs.

A path is looked for beside the annotation file, below --image-root, and in images/ beside the file. Two different files of one name
are an error, since nobody could say which was meant.
"""

from __future__ import annotations

import base64
import binascii
import functools
import os
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from vldata.errors import DataError, UsageError
from vldata.files.paths import PathError, find_below
from vldata.media.refs import BytesRef, ClipRef, FileRef, MediaRef, Sampling, VideoRef
from vldata.media.sampling import TooFewFramesError, sample_indices
from vldata.sources.archives import Archive, is_archive
from vldata.sources.clips import Videos, apply_wishes, clip_wishes
from vldata.sources.errors import RowError

_DATA_URL = re.compile(r"data:([a-z]+/[A-Za-z0-9.+-]+)?(;[^,;]*)*,", re.ASCII).match
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]{64,}={0,2}\s*", re.ASCII).fullmatch
_REMOTE = ("http://", "https://", "s3://", "gs://", "hf://", "oss://", "ftp://")
_MIN_BASE64 = 200  # shorter texts are paths
_MOST_ARCHIVES = 64


class MediaFinder:
    """Turns what a row gives for a medium into a reference.

    Args:
        folder: the folder of the annotation file.
        image_root: the folder the user named, if any.
        sampling: which frames of a video are taken.
        follow_links: accept links that lead out of the folders.
        fetch: fetches a URL; None refuses URLs by name.
        videos: a video becomes its sampled frames, those with the times they are shown at (timed), or stays a video (keep).
        replace_prefix: `OLD=NEW`, how paths of another machine begin and what stands there on this one.
        more: further folders to look in.
    """

    def __init__(
        self,
        folder: Path,
        image_root: Path | None,
        sampling: Sampling | None = None,
        *,
        follow_links: bool = False,
        fetch: Callable[[str], bytes] | None = None,
        videos: Videos = "frames",
        replace_prefix: str = "",
        more: tuple[Path, ...] = (),
    ) -> None:
        self._fetch = fetch
        self._keep_videos = videos == "keep"
        self.frame_times = videos == "timed"
        self._folder = folder
        self._replace = split_prefix(replace_prefix)
        looked = dict.fromkeys((folder, image_root, folder / "images", *more))
        self._roots = tuple(root for root in looked if root is not None and root.is_dir())
        self._archives = tuple(map(Archive, _archives_for(folder, image_root)))
        self._sampling = sampling or Sampling()
        self._follow_links = follow_links
        self._locate: Callable[[str], tuple[Path, str]] = lru_cache(maxsize=8_192)(self._search)

    @property
    def remote(self) -> bool:
        """Whether URLs are fetched, which takes long and is better done for many rows at once."""
        return self._fetch is not None

    def picture(self, value: Any, where: str) -> MediaRef:
        """Return the reference of one picture: a path, bytes, base64, a data URL, or {"bytes", "path"} as parquet holds it.

        Raises:
            RowError: it is none of these, lies nowhere or may not be opened.
        """
        if isinstance(value, dict):
            value = _cell_value(value)
        if isinstance(value, bytes | bytearray) and value:
            return BytesRef(bytes(value), where)
        if not isinstance(value, str) or not value:
            raise RowError("VL205", f"a picture is {value!r:.80}; a path, bytes or a data URL is needed.")
        if value.startswith("data:"):
            return BytesRef(_from_data_url(value), where)
        if len(value) >= _MIN_BASE64 and _BASE64(value):
            return BytesRef(_from_base64(value), where)
        if self._fetch and value.startswith(("http://", "https://")):
            return BytesRef(self._fetch(value), plain_url(value))
        return self._found(value)

    @functools.lru_cache(maxsize=8_192)  # noqa: B019 - as long as the finder, which lives with its source
    def _found(self, value: str) -> MediaRef:
        """Return the reference of a path: a file, or a member of an archive where there is none."""
        try:
            path, source = self._locate(value)
        except RowError as error:
            if error.code != "VL202" or (reference := self._packed(self._plain(value))) is None:
                raise
            return reference
        return FileRef(str(path), source)

    def _packed(self, name: str) -> MediaRef | None:
        found = [(archive, member) for archive in self._archives if (member := archive.find(name))]
        if len(found) > 1:
            raise RowError("VL209", f"{name!r} is in {' and '.join(archive.path.name for archive, _ in found)}.")
        if not found:
            return None
        archive, member = found[0]
        return archive.reference(member, f"{archive.path.name}/{member.name}")

    def _plain(self, text: str) -> str:
        """Return a path as it is called on this machine: --replace-prefix applied, backslashes of Windows turned."""
        name = text.removeprefix("file://")
        old, new = self._replace
        if old and name.startswith(old):
            name = f"{new}{name.removeprefix(old)}"
        elif old and "\\" in name and (turned := name.replace("\\", "/")).startswith(old.replace("\\", "/")):
            name = f"{new}{turned.removeprefix(old.replace(chr(92), '/'))}"
        return name.replace("\\", "/")

    def has(self, value: str) -> bool:
        """Whether a text is an image: a file that is there, or a data URL."""
        if value.startswith(("http://", "https://")):
            return False
        try:
            self.picture(value, "")
        except RowError:
            return False
        return True

    def video(self, value: Any, where: str) -> tuple[MediaRef, ...]:
        """Return one video, or its frames: of a file one reference for all of them, of a list of frame files those that the rule takes.

        Raises:
            RowError: as `picture`.
        """
        wishes: dict[str, float] = {}
        if isinstance(value, dict):
            wishes = clip_wishes(value)
            value = value["video"] if value.get("video") is not None else _cell_value(value)
        if self._keep_videos and wishes:
            what = ", ".join(wishes)
            raise RowError("VL112", f"the row asks for {what} of a video, which a kept one cannot hold; leave --videos keep out.")
        if isinstance(value, str) and value.startswith("data:"):
            value = _from_data_url(value)
        if isinstance(value, bytes | bytearray) and value:
            if not self._keep_videos:
                raise RowError("VL205", "the video stands in the row itself; frames are taken of files alone. Use --videos keep.")
            return (VideoRef("", where, bytes(value)),)
        if isinstance(value, list) and self._keep_videos:
            raise RowError("VL112", f"the video is a list of {len(value)} frames, no file; leave --videos keep out for pictures.")
        if isinstance(value, list) and self.frame_times:
            raise RowError("VL205", f"the video is a list of {len(value)} frames, which has no times; leave --videos timed out.")
        if isinstance(value, list) and wishes:
            raise RowError("VL205", f"a list of frames comes with {', '.join(wishes)}, which a list has no times for.")
        if isinstance(value, list) and value and all(isinstance(frame, str) for frame in value):
            try:
                chosen = sample_indices(len(value), self._sampling)
            except TooFewFramesError as error:
                raise RowError("VL107", f"{error}") from None
            located = [(self._locate(value[index]), index) for index in chosen]
            return tuple(FileRef(str(path), source, frame=index) for (path, source), index in located)
        if not isinstance(value, str) or not value:
            raise RowError("VL205", f"a video is {value!r:.80}; a path or a list of frame paths is needed.")
        path, source = self._locate(value)
        if self._keep_videos:
            return (VideoRef(str(path), source),)
        clip = ClipRef(str(path), source, self._sampling)
        return (apply_wishes(clip, wishes) if wishes else clip,)

    def _search(self, text: str) -> tuple[Path, str]:
        """Find the one file a path means: (absolute path, its name for provenance)."""
        if text.startswith(_REMOTE):
            raise RowError(
                "VL207", f"{text[:120]!r} is remote; download it and give --image-root, or allow pictures over http(s) with --allow-remote."
            )
        name = self._plain(text)
        if _DRIVE(name):
            raise RowError("VL202", f"{text!r} is a path of another machine; say what stands there on this one: {_prefix_cure(text)}")
        found: dict[Path, tuple[Path, str]] = {}
        try:
            for root in self._roots:
                for below in self._names_below(root, name):
                    path = find_below(root, below, follow_links=self._follow_links)
                    if path is not None and not path.is_dir():
                        found.setdefault(path.resolve(), (path.absolute(), self._source_name(path, below)))
                        break
        except PathError as error:
            raise RowError("VL111", f"{error}.") from None
        if len(found) > 1:
            places = " and ".join(str(path) for path, _ in found.values())
            raise RowError("VL209", f"{text!r} could be {places}.")
        if not found:
            looked = ", ".join(f"{root}/" for root in self._roots)
            raise RowError("VL202", f"{text!r} is not on disk; looked in {looked}{self._hint(name)}")
        (real, (path, source)) = next(iter(found.items()))
        return (real if self._follow_links or path.is_symlink() else path), source

    def _hint(self, name: str) -> str:
        """Say where a file of this name lies after all, below the source's folder: what --image-root is to name."""
        places = self._elsewhere.get(Path(name).name, [])
        if len(places) != 1:
            return "."
        root = str(places[0]).removesuffix(f"/{name}")
        return f"; there is {places[0]}: --image-root {root}" if root != str(places[0]) else f"; there is {places[0]}, under another path."

    @functools.cached_property
    def _elsewhere(self) -> dict[str, list[Path]]:
        """Files below the source's folder by their bare name, looked for once and within bounds; no folder that is a link is entered."""
        found: dict[str, list[Path]] = {}
        seen = 0
        for folder, folders, files in os.walk(self._folder):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            if len(Path(folder).relative_to(self._folder).parts) >= _HINT_DEPTH:
                folders.clear()
            for name in files:
                found.setdefault(name, []).append(Path(folder) / name)
            seen += len(files)
            if seen > _HINT_FILES:
                break
        return found

    def _names_below(self, root: Path, name: str) -> tuple[str, ...]:
        """Return what `name` may be called below a root: as it stands; relative, where it is absolute and lies there.

        LLaMA-Factory's own examples name files from its top folder, `data/x.jpg` for the x.jpg beside their annotations.
        """
        if name.startswith("/"):
            top = str(root.absolute()).rstrip("/") + "/"
            if not name.startswith(top):
                outside = all(not name.startswith(str(other.absolute()).rstrip("/") + "/") for other in self._roots)
                if outside:
                    raise PathError(f"{name!r} is absolute and not below the source folder or --image-root")
                return ()
            return (name[len(top) :],)
        if name.startswith("data/") and root == self._folder:
            return (name, name.removeprefix("data/"))
        return (name,)

    def _source_name(self, path: Path, below: str) -> str:
        return path.relative_to(self._folder).as_posix() if path.is_relative_to(self._folder) else below


_HINT_DEPTH, _HINT_FILES = 4, 200_000
_DRIVE = re.compile(r"[A-Za-z]:/").match


def _prefix_cure(text: str) -> str:
    """Show --replace-prefix for a path of Windows: its folder but the last part is what differs."""
    folder = re.split(r"[\\/]", text)
    old = (
        text[: sum(len(part) + 1 for part in folder[:-2])] if len(folder) > 2 else f"{folder[0]}{text[len(folder[0]) : len(folder[0]) + 1]}"
    )
    return f"--replace-prefix '{old}='"


def split_prefix(text: str) -> tuple[str, str]:
    """Split `OLD=NEW`.

    Raises:
        UsageError: there is no `=`, or nothing before it.
    """
    old, sign, new = text.partition("=")
    if text and (not sign or not old):
        raise UsageError(
            f"--replace-prefix {text!r} is not OLD=NEW.", cure=r"For example --replace-prefix 'D:\data\=' or /home/me/=pictures/."
        )
    return old, new


def check_root(image_root: Path | None) -> None:
    """Refuse an --image-root that is neither a folder nor an archive.

    Raises:
        DataError: it is something else.
    """
    if image_root is not None and not image_root.is_dir() and not is_archive(image_root):
        raise DataError(
            "is neither a folder nor a zip or tar.",
            where=str(image_root),
            cure="Give the folder or archive of the pictures with --image-root.",
        )


def _archives_for(folder: Path, image_root: Path | None) -> list[Path]:
    """Return the archive the user named; else those beside the annotations, and in the named folder."""
    if image_root is not None and is_archive(image_root):
        return [image_root]
    folders = [root for root in (folder, image_root) if root is not None and root.is_dir()]
    return sorted({path for root in folders for path in root.iterdir() if is_archive(path)})[:_MOST_ARCHIVES]


def names_of(media: tuple[MediaRef, ...]) -> frozenset[str]:
    """Return the file names of a record's media; "" for one that the row carries itself."""
    return frozenset(ref.source.replace("\\", "/").rpartition("/")[2] if not isinstance(ref, BytesRef) else "" for ref in media)


def plain_url(url: str) -> str:
    """Return a URL without what may be secret in it: user, query, fragment."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))[:300]


def _cell_value(value: dict[str, Any]) -> Any:
    """Return the medium in {"bytes", "path"}, {"url"} or {"path"}; bytes come before a path that may be gone."""
    for key in ("bytes", "path", "url", "uri", "data"):
        if value.get(key) not in (None, "", b""):
            return value[key]
    return None


def _from_data_url(url: str) -> bytes:
    match = _DATA_URL(url[:256])
    if not match or not match.group().lower().endswith(";base64,"):
        raise RowError("VL205", f"the data URL {url[:40]!r} is not base64 of a picture.")
    if match.group(1) and not match.group(1).startswith(("image/", "application/octet-stream", "video/")):
        raise RowError("VL205", f"the data URL is of type {match.group(1)!r}, not a picture or video.")
    return _from_base64(url[match.end() :])


def _from_base64(text: str) -> bytes:
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise RowError("VL205", "the picture is not valid base64.") from None
    if not data:
        raise RowError("VL205", "the picture is empty.")
    return data
