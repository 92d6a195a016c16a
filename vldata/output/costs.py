"""What the records of a conversion cost in tokens: pictures and videos are counted once each, however many records show them."""

from __future__ import annotations

from collections.abc import Sequence

from vldata.media.pixels import vision_tokens
from vldata.media.refs import Picture, Video
from vldata.media.video_tokens import Clip, video_tokens
from vldata.output.tokens import TokenCounter, text_bytes
from vldata.records.record import Record
from vldata.records.rules import videos_fault


class RecordCosts(TokenCounter):
    """Counts records with their media.

    Attributes:
        pictures: tokens of each picture shown so far, by its name.
        videos: tokens of each video shown so far, by its name.
        misread: records whose videos LLaMA-Factory misreads.
    """

    def __init__(self, processor: str) -> None:
        super().__init__()
        self._processor = processor
        self.pictures: dict[str, int] = {}
        self.videos: dict[str, int] = {}
        self.misread = 0

    def add_record(self, record: Record, pictures: Sequence[Picture], videos: Sequence[Video] = ()) -> None:
        """Count one record."""
        vision = in_videos = 0
        for picture in pictures:
            if picture.name not in self.pictures:
                self.pictures[picture.name] = vision_tokens(picture.width, picture.height, processor=self._processor, delimiters=True)
            vision += self.pictures[picture.name]
        for video in videos:
            if video.name not in self.videos:
                self.videos[video.name] = video_tokens(Clip(video.frames, video.fps, video.duration_s, video.width, video.height))
            in_videos += self.videos[video.name]
        sizes = [(picture.source_width, picture.source_height) for picture in pictures] if pictures else ()
        if videos and videos_fault(record):
            self.misread += 1
        text, turns = text_bytes(record), len(record.messages)
        self.add(record.id, vision=vision + in_videos, text=text, turns=turns, sizes=sizes, videos=in_videos)
