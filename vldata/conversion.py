"""The conversion: source -> drafts -> rendered media -> records -> files. Data flow one way.

Drafts are taken in parts. While the renderer works on one part the next is read ahead, so that its workers never wait; parts are
finished in order, so that the result does not depend on how many workers there are.
"""

from __future__ import annotations

import gc
import itertools
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from vldata.converted import Conversion, Progress
from vldata.errors import DataError, UsageError
from vldata.media.engines import using
from vldata.media.pages import pages_wanted
from vldata.media.pixels import FAMILIES, budget_limits, find_family
from vldata.media.refs import Kept, MediaRef, Picture, Rendered, Rendering, RenderSpec, Video
from vldata.media.render import render
from vldata.output.contract import Counts, unused_fields
from vldata.output.costs import RecordCosts
from vldata.output.folder import DatasetPaths, check_name
from vldata.output.identity import Identity, make_fingerprint, make_identity, refuse_foreign
from vldata.output.join import Joined, join, text_alone
from vldata.output.journal import discard_state, recover
from vldata.output.options import ConvertOptions
from vldata.output.ownership import hold_dataset
from vldata.output.poor import refuse_poor
from vldata.output.publish import publish
from vldata.output.resuming import SameDrafts, drafts_digest
from vldata.output.seen import SeenIds
from vldata.output.spreading import kind_of
from vldata.output.staging import Marker, RenderLine, Stage, file_state, open_stage, ref_key, written_files, written_state
from vldata.output.tokens import TextCost, text_bytes
from vldata.quiet_gc import few_collections
from vldata.records.draft import Draft, Mend, Reject, Source, TextDraft, quick_drafts, traits_of
from vldata.records.record import decode_record, encode_record
from vldata.sources.rowmeta import several_splits
from vldata.workers import count_workers

_PART_DRAFTS = 8_192
_PART_RENDERS = 512


def convert(
    source: Source, options: ConvertOptions, *, strict: bool = False, on_progress: Callable[[Progress], None] | None = None
) -> Conversion:
    """Convert one opened source into one registered dataset.

    Raises:
        UsageError: options that cannot hold.
        DataError: the folder, another run, or a source without a single usable record; with `strict` also rows of several splits.
    """
    name = check_name(options.name or source.name)
    find_family(options.processor)
    pages_wanted(options.pages)
    if traits_of(source).videos and not find_family(options.processor).videos:
        known = ", ".join(name for name, family in FAMILIES.items() if family.videos)
        raise UsageError(f"what a video costs is known for {known}, not for {options.processor}.", cure="Leave --videos keep out: frames.")
    low, high = budget_limits(processor=options.processor, min_pixels=options.min_pixels, max_pixels=options.max_pixels)
    options = msgspec.structs.replace(options, min_pixels=low, max_pixels=high)
    paths = DatasetPaths(options.out, name)
    identity = make_identity(source, name, options)
    with hold_dataset(paths, resumes=True):
        if options.fresh:
            discard_state(paths)
        recover(paths, "convert", owned=(name, f"{name}_text"))
        refuse_foreign(paths, identity, overwrite=options.overwrite)
        stage = open_stage(paths, make_fingerprint(identity), fresh=options.fresh)
        run = _Run(source, options, identity, stage, on_progress, strict=strict)
        with few_collections():  # it runs once a part, when the drafts of that are gone
            run.resume()
            seen = (paths.state / "conversion.json", *source.annotations)
            with using(options.engine, options.ray_address, seen=seen):
                run.work()
            result = run.finish()
    return result


class _Part:
    """Drafts taken together, and the references that nobody rendered before."""

    def __init__(self) -> None:
        self.drafts: list[Draft | TextDraft | Reject] = []
        self.new: dict[str, MediaRef] = {}
        self.waiting: set[str] = set()
        self.closed = False

    @property
    def full(self) -> bool:
        return len(self.drafts) >= _PART_DRAFTS or len(self.new) >= _PART_RENDERS


class _Run:
    """One conversion in progress."""

    def __init__(
        self,
        source: Source,
        options: ConvertOptions,
        identity: Identity,
        stage: Stage,
        on_progress: Callable[[Progress], None] | None,
        *,
        strict: bool,
    ) -> None:
        self._source = source
        self._options = options
        self._identity = identity
        self._stage = stage
        self._on_progress = on_progress
        self._strict = strict
        self._rendered: dict[str, Rendering] = {}
        self._requested: set[str] = set()
        self._parts: deque[_Part] = deque()
        self._markers: list[Marker] = []
        self._seen = SeenIds(lambda: (line for number in range(len(self._markers)) for line in stage.lines(number, "records")))
        self._tokens = RecordCosts(options.processor)
        self._reject_counts: Counter[str] = Counter()
        self._rejects: list[Reject] = []
        self._next_place: dict[str, int] = {}  # for ids used before: the suffix to try next
        self._resumed = 0
        self._pictures = 0
        self._total = source.total if options.limit is None or source.total is None else min(source.total, options.limit)
        self._excluded = 0
        self._splits: dict[str, None] = {}
        self._unused: Counter[tuple[tuple[str, str], ...]] = Counter()

    def resume(self) -> None:
        """Take over the parts that an interrupted run of the same conversion has finished."""
        by_name: dict[str, Picture] = {}
        videos: dict[str, Video] = {}
        for number, marker in enumerate(self._stage.markers()):
            for line in self._stage.renders(number):
                self._rendered[line.key] = line.rendering
                self._requested.add(line.key)
                if isinstance(line.rendering, Rendered):
                    by_name.update((f"images/{picture.name}", picture) for picture in line.rendering.pictures)
                elif isinstance(line.rendering, Kept):
                    videos[f"videos/{line.rendering.video.name}"] = line.rendering.video
            ids: list[str] = []
            for raw in self._stage.lines(number, "records"):
                record = decode_record(raw)
                ids.append(record.id)
                self._tokens.add_record(record, [by_name[path] for path in record.images], [videos[path] for path in record.kept_videos])
            for raw in self._stage.lines(number, "rejects"):
                self._note_reject(msgspec.json.decode(raw, type=Reject))
            self._seen.add(ids)
            self._markers.append(marker)
            self._resumed += marker.annotations

    def work(self) -> None:
        """Read, render and join everything that is left."""
        refs = self._take_refs()
        first = next(refs, None)
        if first is not None:
            options, paths = self._options, self._stage.paths
            spec = RenderSpec(
                processor=options.processor,
                min_pixels=options.min_pixels,
                max_pixels=options.max_pixels,
                image_format=self._identity.pixels.image_format,  # type: ignore[arg-type]
                quality=options.quality,
                decoder=options.decoder,
                images_dir=str(paths.images.absolute()),
                temp_dir=str((paths.state / "tmp").absolute()),
                videos_dir=str(paths.videos.absolute()),
                pages=options.pages,
            )
            keys: dict[int, str] = {}
            numbered = itertools.count()

            def stream() -> Iterator[MediaRef]:
                for key, ref in itertools.chain([first], refs):
                    keys[next(numbered)] = key
                    yield ref

            for index, rendering in render(stream(), spec, workers=count_workers(options.workers), timeout_s=options.timeout_s):
                self._settle(keys.pop(index), rendering)
        self._flush_ready()

    def _take_refs(self) -> Iterator[tuple[str, MediaRef]]:
        """Read drafts into parts, yielding each reference the first time it is seen."""
        limit = sys.maxsize if self._options.limit is None else self._options.limit
        resumed = self._resumed
        part = _Part()
        self._parts.append(part)
        check = SameDrafts(self._markers, self._source.name)
        for read, draft in enumerate(self._drafts()):
            if read >= limit:
                self._excluded += 1
                continue
            if not isinstance(draft, Reject) and draft.unused:
                self._unused[draft.unused] += 1
            if type(draft) is TextDraft and read >= resumed:
                part.drafts.append(draft)
                if len(part.drafts) >= _PART_DRAFTS:
                    part = self._next_part(part)
                continue
            if isinstance(draft, Draft) and "split" in draft.meta:
                self._splits[draft.meta["split"]] = None
            if read < resumed:
                check.add(draft)
                continue
            part.drafts.append(draft)
            if not isinstance(draft, Draft) or not draft.media:
                if len(part.drafts) >= _PART_DRAFTS:
                    part = self._next_part(part)
                continue
            for ref in draft.media:
                key = ref_key(ref)
                if key not in self._requested:
                    self._requested.add(key)
                    part.new[key] = ref
                    part.waiting.add(key)
                    yield key, ref
            if part.full:
                part = self._next_part(part)
        check.finish()
        part.closed = True

    def _drafts(self) -> Iterator[Draft | TextDraft | Reject]:
        """Read the source. What was made of one that turns out damaged is discarded, so that the mended one is converted afresh."""
        try:
            yield from quick_drafts(self._source)
        except DataError:
            discard_state(self._stage.paths)
            raise

    def _next_part(self, part: _Part) -> _Part:
        part.closed = True
        self._flush_ready()
        self._parts.append(_Part())
        return self._parts[-1]

    def _settle(self, key: str, rendering: Rendering) -> None:
        self._rendered[key] = rendering
        self._pictures += len(rendering.pictures) if isinstance(rendering, Rendered) else int(isinstance(rendering, Kept))
        for part in self._parts:
            part.waiting.discard(key)
        self._flush_ready()
        self._report()

    def _flush_ready(self) -> None:
        while self._parts and self._parts[0].closed and not self._parts[0].waiting:
            part = self._parts.popleft()
            if part.drafts:
                self._flush(part)
                part.drafts.clear()
                gc.collect(1)

    def _flush(self, part: _Part) -> None:
        """Join the drafts of a part and stage the result."""
        lines: dict[str, list[bytes]] = {"records": [], "rejects": [], "repairs": [], "renders": []}
        kinds: list[str] = []
        ids: dict[str, None] = {}
        repeated = self._seen.repeated([draft.id for draft in part.drafts])
        repair, traits = self._options.repair, self._identity.traits
        keep, kind_text = lines["records"].append, kinds.append
        texts: list[TextCost | TextDraft] = []
        for draft in part.drafts:
            twice = draft.id in ids or draft.id in repeated
            if isinstance(draft, TextDraft):
                if not twice:
                    keep(draft.line)
                    ids[draft.id] = None
                    kind_text("0")
                    texts.append(draft)
                    continue
                draft = draft.as_draft()
            if not twice and isinstance(draft, Draft) and (text := text_alone(draft, traits)) is not None:
                keep(encode_record(text))
                ids[text.id] = None
                kind_text("0")
                texts.append(TextCost(text_bytes(text), len(text.messages), text.id))
                continue
            if repair and twice and isinstance(draft, Draft):
                draft = self._with_own_id(draft, ids)
                twice = draft.id in ids or draft.id in repeated
            outcome = self._judge(draft, twice)
            if isinstance(outcome, Reject):
                self._note_reject(outcome)
                lines["rejects"].append(msgspec.json.encode(outcome))
                continue
            if outcome.repairs:
                lines["repairs"] += [msgspec.json.encode(repair) for repair in outcome.repairs]
            lines["records"].append(encode_record(outcome.record))
            record = outcome.record
            ids[record.id] = None
            if outcome.pictures or outcome.videos:
                kinds.append(str(kind_of(record)))
                self._tokens.add_record(record, outcome.pictures, outcome.videos)
            else:
                kinds.append("0")
                texts.append(TextCost(text_bytes(record), len(record.messages), record.id))
        self._tokens.add_texts(texts)
        pictures: list[Path] = []
        for key, ref in part.new.items():
            rendering = self._rendered[key]
            path = getattr(ref, "path", "")
            size, mtime_ns = file_state(path) if path else (-1, -1)
            written = [file for file, _ in written_files(self._stage.paths, rendering)]
            states = tuple(map(written_state, written))
            lines["renders"].append(msgspec.json.encode(RenderLine(key, rendering, path, size, mtime_ns, states)))
            pictures += written
        marker = self._stage.write_part(
            len(self._markers), lines, pictures, annotations=len(part.drafts), kinds="".join(kinds), drafts=drafts_digest(part.drafts)
        )
        self._seen.add(tuple(ids))
        self._markers.append(marker)
        self._report()

    def _with_own_id(self, draft: Draft, ids: Mapping[str, None]) -> Draft:
        """Give a draft whose id was used before the next free one: `a` becomes `a#2`."""
        place = self._next_place.get(draft.id, 2)
        while (new := f"{draft.id}#{place}") in ids or self._seen.repeated([new]):
            place += 1
        self._next_place[draft.id] = place  # not one more: should this one be rejected, the next may have it
        mend = Mend("VL003", f"the id {draft.id!r} was used before.", f"gave it the id {new!r}, as {draft.id!r} was used before")
        return msgspec.structs.replace(draft, id=new, mends=(*draft.mends, mend))

    def _judge(self, draft: Draft | Reject, repeated: bool) -> Joined | Reject:
        if isinstance(draft, Reject):
            return draft
        if repeated:
            return Reject(draft.id, draft.where, "VL003", f"the id {draft.id!r} was used before.")
        media = {ref: self._rendered[ref_key(ref)] for ref in draft.media} if draft.media else {}
        return join(draft, media, repair=self._options.repair, traits=self._identity.traits)

    def _note_reject(self, reject: Reject) -> None:
        self._reject_counts[reject.code] += 1
        if self._reject_counts[reject.code] <= 10:
            self._rejects.append(reject)

    def _report(self) -> None:
        if self._on_progress:
            done = sum(marker.annotations for marker in self._markers)
            records = sum(len(marker.kinds) for marker in self._markers)
            self._on_progress(Progress(done, self._total, records, self._reject_counts.total(), self._pictures))

    def finish(self) -> Conversion:
        """Publish what is staged and say what came of it."""
        markers = self._markers
        written = sum(len(marker.kinds) for marker in markers)
        rejected = sum(marker.rejects for marker in markers)
        counts = Counts(
            read=written + rejected + self._excluded,
            written=written,
            rejected=rejected,
            excluded=self._excluded,
            repaired=sum(marker.repairs for marker in markers),
            pictures=len(self._tokens.pictures),
            videos=len(self._tokens.videos),
        )
        if counts.read and (refusal := refuse_poor(counts, self._reject_counts, self._rejects, self._options.max_rejects)):
            discard_state(self._stage.paths)
            raise DataError(refusal.what, where=self._identity.name, cure=refusal.cure)
        if not written:
            discard_state(self._stage.paths)
            raise DataError("the source has no annotations.", where=self._identity.name, cure="Nothing was registered.")
        mixed = several_splits(self._splits)
        if self._strict and mixed:
            discard_state(self._stage.paths)
            cure = "Part the file by that column, or leave --strict out and part the dataset with `vldata filter`. Nothing was registered."
            what = f"--strict: rows of several splits ({', '.join(sorted(self._splits)[:6])}) would become one dataset."
            raise DataError(what, where=self._identity.name, cure=cure)
        unused = unused_fields(self._unused)
        notes = Counter(r.note for r in self._rendered.values() if isinstance(r, Rendered) and r.note)
        if self._tokens.misread:
            notes["LLaMA-Factory 0.9.5 reads one video a record, in the first question; these have more, or have it later"] = (
                self._tokens.misread
            )
        shard_size, overwrite = self._options.shard_size, self._options.overwrite
        contract, names = publish(
            self._stage, markers, self._identity, counts, self._tokens, shard_size=shard_size, overwrite=overwrite, unused=unused
        )
        return Conversion(
            out=self._options.out,
            names=names,
            counts=counts,
            reject_counts=dict(self._reject_counts),
            rejects=tuple(self._rejects),
            notes=dict(notes),
            verdict=self._tokens.verdict(self._identity.pixels),
            contract=contract,
            resumed=self._resumed,
            unused=unused,
            said=tuple(map(str, self._source.said)),
            mixed=mixed,
        )
