"""Frames of videos: the right ones, upright, and a coded failure where the file does not have them."""

import struct
from pathlib import Path

import av
import msgspec
import numpy as np
import pytest
from PIL import Image

from vldata.errors import MissingExtraError, UsageError
from vldata.media import video_frames, videos
from vldata.media.refs import ClipRef, Failure, Rendered, Sampling
from vldata.media.video_frames import take_frames
from vldata.media.videos import check_decoder, render_clip

H264 = {"preset": "ultrafast", "x264-params": "log-level=none:bframes=3:keyint=12"}
VIDEOS = {
    "h264 with b-frames.mp4": {"codec": "libx264", "options": H264},
    "h264 open gop.mp4": {"codec": "libx264", "options": {"x264-params": "log-level=none:open-gop=1:bframes=5:b-pyramid=normal:keyint=15"}},
    "h264 intra refresh.mp4": {"codec": "libx264", "options": {"x264-params": "log-level=none:intra-refresh=1:keyint=15"}},
    "h264 late start.mp4": {"codec": "libx264", "options": H264, "first": 100},
    "h264 edit list.mp4": {"codec": "libx264", "options": H264, "first": -20},
    "h264 variable rate.mp4": {"codec": "libx264", "options": H264, "leave_out": (5, 6, 7, 20, 33, 34)},
    "h264 fragmented.mp4": {"codec": "libx264", "options": H264, "muxer": {"movflags": "frag_keyframe+empty_moov"}},
    "h264 index first.mp4": {"codec": "libx264", "options": H264, "muxer": {"movflags": "faststart"}},
    "h264 interlaced.mp4": {"codec": "libx264", "options": {"x264-params": "log-level=none:interlaced=1:keyint=8"}},
    "h264.ts": {"codec": "libx264", "options": H264},
    "h264 open gop.ts": {"codec": "libx264", "options": {"x264-params": "log-level=none:open-gop=1:bframes=5:keyint=15"}},
    "h264.mkv": {"codec": "libx264", "options": H264},
    "h264.flv": {"codec": "libx264", "options": H264},
    "h264.avi": {"codec": "libx264", "options": H264},
    "mpeg4.avi": {"codec": "mpeg4", "options": {"bf": "2"}},
    "mjpeg.avi": {"codec": "mjpeg", "pixel_format": "yuvj420p"},
    "mpeg4.mp4": {"codec": "mpeg4", "options": {"bf": "2"}},
    "mpeg2.mpg": {"codec": "mpeg2video", "options": {"bf": "2"}},
    "mpeg2.ts": {"codec": "mpeg2video", "options": {"bf": "2"}},
    "vp8.webm": {"codec": "libvpx", "options": {"b": "200k", "cpu-used": "8"}},
    "vp9.webm": {"codec": "libvpx-vp9", "options": {"auto-alt-ref": "1", "lag-in-frames": "16", "cpu-used": "8"}},
    "hevc open gop.mp4": {
        "codec": "libx265",
        "options": {"preset": "ultrafast", "x265-params": "log-level=none:open-gop=1:bframes=4:keyint=15"},
    },
    "prores.mov": {"codec": "prores_ks", "pixel_format": "yuv422p10le"},
    "ffv1.mkv": {"codec": "ffv1"},
    "palette.gif": {"codec": "gif", "pixel_format": "rgb8"},
}


@pytest.fixture(scope="module")
def video(tmp_path_factory, draw_video):
    folder, made = tmp_path_factory.mktemp("videos"), {}

    def make(name):
        if name not in made:
            if VIDEOS[name]["codec"] not in av.codecs_available:
                pytest.skip(f"this build of PyAV has no {VIDEOS[name]['codec']}")
            made[name] = draw_video(folder / name, **VIDEOS[name])
        return made[name]

    return make


def decode_all(path):
    with av.open(str(path)) as container:
        container.streams.video[0].thread_count = 1
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def written(picture, spec):
    with Path(spec.images_dir, picture.name).open("rb") as file:
        return np.asarray(Image.open(file))


@pytest.mark.parametrize("skip_bytes", [0, 1 << 22])
@pytest.mark.parametrize("name", VIDEOS)
def test_frame_i_is_the_ith_in_display_order(name, skip_bytes, video, monkeypatch):
    monkeypatch.setattr(video_frames, "_SKIP_BYTES", skip_bytes)
    path = video(name)
    expected = decode_all(path)
    last = len(expected) - 1
    choices = [range(last + 1), range(0, last + 1, 7), (last,), (0, last), (last - 1, 3, 3, 2), *((place,) for place in range(1, last, 5))]
    for choice in choices:
        with path.open("rb") as file:
            frames = take_frames(file, lambda _, __, choice=choice: tuple(choice), lambda frame: frame)
        assert frames.total == len(expected) and frames.indices == tuple(choice) and set(frames.taken) == set(choice)
        for index, frame in frames.taken.items():
            assert np.array_equal(frame.to_ndarray(format="rgb24"), expected[index]), f"frame {index} of {choice}"


NOT_KEYED = {"h264.avi", "mpeg2.mpg", "mpeg4.avi", "ffv1.mkv", "palette.gif", "h264 intra refresh.mp4"}


@pytest.mark.parametrize("name", sorted(VIDEOS.keys() - NOT_KEYED))
def test_decoding_everything_is_the_exception(name, video, monkeypatch):
    monkeypatch.delattr(video_frames, "_InOrder")
    with video(name).open("rb") as file:
        assert len(take_frames(file, lambda n, _: tuple(range(0, n, 5)), lambda frame: None).taken) >= 6


def test_hidden_frames_are_not_counted(video, tmp_path, monkeypatch):
    path = tmp_path / "hidden.webm"
    with av.open(str(video("vp8.webm"))) as source, av.open(str(path), "w") as copy:
        stream = copy.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(packet for packet in source.demux(video=0) if packet.size):
            data = bytearray(bytes(packet))
            data[0] &= 0xFF if number != 20 else ~0x10  # the show_frame bit
            hidden = av.Packet(bytes(data))
            hidden.pts, hidden.dts, hidden.time_base, hidden.stream = packet.pts, packet.dts, packet.time_base, stream
            hidden.is_keyframe = packet.is_keyframe
            copy.mux(hidden)
    expected = decode_all(path)
    assert len(expected) == 47
    monkeypatch.delattr(video_frames, "_InOrder")
    with path.open("rb") as file:
        frames = take_frames(file, lambda n, _: (19, 20, n - 1), lambda frame: frame.to_ndarray(format="rgb24"))
    assert frames.total == 47 and all(np.array_equal(frame, expected[index]) for index, frame in frames.taken.items())


def test_only_what_is_needed_is_decoded(video, monkeypatch):
    fed = []
    original = video_frames._Keyed._read
    monkeypatch.setattr(video_frames._Keyed, "_read", lambda *a: (fed.append(at) or (at, packet) for at, packet in original(*a)))
    with video("h264.mkv").open("rb") as file:
        take_frames(file, lambda n, _: (0, n - 1), lambda frame: None)
    assert 0 < len(fed) < 30


CUT = {
    "h264 with b-frames.mp4": {"VL102", "VL106"},
    "h264 index first.mp4": {"VL108"},
    "h264 fragmented.mp4": {"VL108"},
    "h264.mkv": {"VL108"},
    "h264.flv": {"VL108"},
    "h264.avi": {"VL108"},
    "mpeg4.avi": {"VL108"},
    "mjpeg.avi": {"VL108"},
    "vp9.webm": {"VL108"},
    "vp8.webm": {"VL108"},
}


@pytest.mark.parametrize("share", [0.6, 0.9])
@pytest.mark.parametrize("name", CUT)
def test_a_cut_video_is_noticed(name, share, video, tmp_path, spec):
    whole = video(name).read_bytes()
    path = tmp_path / f"cut{Path(name).suffix}"
    path.write_bytes(whole[: int(len(whole) * share)])
    rendering = render_clip(ClipRef(str(path), "cut", Sampling(count=4)), spec)
    assert isinstance(rendering, Failure) and rendering.code in CUT[name], rendering
    assert str(tmp_path) not in rendering.reason


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda path: path.write_bytes(b""), "VL102"),
        (lambda path: path.write_bytes(b"no video at all" * 100), "VL102"),
        (lambda path: write_sound(path), "VL106"),
        (lambda path: path.mkdir(), "VL111"),
        (lambda path: path.symlink_to("/etc/hostname"), "VL111"),
        (lambda path: None, "VL101"),
    ],
)
def test_videos_that_cannot_be_used(make, code, tmp_path, spec):
    path = tmp_path / "clip.mp4"
    make(path)
    rendering = render_clip(ClipRef(str(path), "clip.mp4", Sampling()), spec)
    assert isinstance(rendering, Failure) and rendering.code == code, rendering
    assert str(tmp_path) not in rendering.reason


def test_a_playlist_cannot_name_other_files(tmp_path, spec, draw_video):
    draw_video(tmp_path / "other.ts", "mpeg2video")
    playlists = {
        "a.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1,\nother.ts\n#EXT-X-ENDLIST\n",
        "b.txt": "ffconcat version 1.0\nfile other.ts\n",
    }
    for name, content in playlists.items():
        (tmp_path / name).write_text(content)
        rendering = render_clip(ClipRef(str(tmp_path / name), name, Sampling()), spec)
        assert isinstance(rendering, Failure) and rendering.code == "VL102"


def write_sound(path):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16_000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16_000), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16_000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)


def test_a_video_that_decodes_to_nothing(video, tmp_path, spec):
    data = bytearray(video("mjpeg.avi").read_bytes())
    start, end = data.index(b"movi"), data.index(b"idx1")
    place = start + 4
    while place < end:
        (length,) = struct.unpack_from("<I", data, place + 4)
        data[place + 8 : place + 8 + length] = bytes(length)
        place += 8 + length + length % 2
    path = tmp_path / "nothing.avi"
    path.write_bytes(data)
    assert render_clip(ClipRef(str(path), "nothing.avi", Sampling()), spec).code == "VL106"


@pytest.mark.parametrize("decoder", ["pyav", "decord"])
@pytest.mark.parametrize(("degrees", "matrix"), [(90, (0, 1, -1, 0)), (180, (-1, 0, 0, -1)), (270, (0, -1, 1, 0))])
def test_rotation_side_data_are_applied(degrees, matrix, decoder, draw, tmp_path, spec):
    """`matrix` turns the stored picture clockwise by `degrees` for display, as phones write it; decord turns by itself."""
    pytest.importorskip("av" if decoder == "pyav" else "decord", reason="needs the decord extra")
    upright = draw(320, 192)
    stored = upright.rotate(degrees, expand=True)  # rotate() turns against the clock
    path = tmp_path / "turned.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25, options={"qscale": "1"})
        stream.width, stream.height, stream.pix_fmt = *stored.size, "yuv420p"
        for _ in range(3):
            for packet in stream.encode(av.VideoFrame.from_image(stored)):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    data = bytearray(path.read_bytes())
    place = data.index(b"tkhd") + 4 + 40
    a, b, c, d = (value * 65536 for value in matrix)
    struct.pack_into(">9i", data, place, a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    rendering = render_clip(ClipRef(str(path), "turned.mp4", Sampling(count=1)), msgspec.structs.replace(spec, decoder=decoder))
    assert isinstance(rendering, Rendered) and (rendering.pictures[0].source_width, rendering.pictures[0].source_height) == upright.size
    shown = np.asarray(Image.fromarray(written(rendering.pictures[0], spec)).resize(upright.size), dtype=float)
    assert np.abs(shown - np.asarray(upright, dtype=float)).mean() < 12


def test_metadata_in_another_encoding_spoil_nothing(video, tmp_path, spec):
    with av.open(str(video("mpeg4.mp4"))) as source, av.open(str(tmp_path / "title.mp4"), "w") as copy:
        copy.metadata["title"] = "abcdefgh"
        stream = copy.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                copy.mux(packet)
    path = tmp_path / "title.mp4"
    path.write_bytes(path.read_bytes().replace(b"abcdefgh", b"abcd\xe9\xff\xfe!"))
    assert isinstance(render_clip(ClipRef(str(path), "title.mp4", Sampling(count=2)), spec), Rendered)


def test_a_clip_is_rendered_in_order_with_its_indices(video, spec):
    rendering = render_clip(
        ClipRef(str(video("h264.mkv")), "h264.mkv", Sampling(count=4)), msgspec.structs.replace(spec, image_format="jpeg")
    )
    assert isinstance(rendering, Rendered) and rendering.note == ""
    assert [picture.frame for picture in rendering.pictures] == [0, 16, 31, 47]
    assert all((picture.source_width, picture.source_height) == (96, 64) for picture in rendering.pictures)
    assert all(picture.name.endswith(".jpg") and Path(spec.images_dir, picture.name).is_file() for picture in rendering.pictures)


def test_short_videos(video, spec):
    def clip(**sampling):
        return render_clip(ClipRef(str(video("palette.gif")), "palette.gif", Sampling(**sampling)), spec)

    fewer, repeated, refused = (clip(count=50, short=rule) for rule in ("fewer", "repeat", "error"))
    assert [picture.frame for picture in fewer.pictures] == list(range(48))
    assert fewer.note == "48 frames instead of 50: the video has 48"
    assert len(repeated.pictures) == 50 and "repeated" in repeated.note
    assert refused == Failure("VL107", "50 frames were asked for, but 48 of the sequence's 48 can be taken")


def test_frames_a_second_of_a_video(video, spec):
    rendering = render_clip(ClipRef(str(video("h264.mkv")), "h264.mkv", Sampling(rule="fps", fps=2.0, count=0)), spec)
    assert [picture.frame for picture in rendering.pictures] == [0, 12, 25, 37]
    with pytest.raises(UsageError):
        render_clip(ClipRef(str(video("h264.mkv")), "h264.mkv", Sampling(rule="fps", fps=0.0)), spec)


@pytest.mark.parametrize("full_range", [False, True])
def test_colours_follow_the_streams_own_colour_space(full_range, tmp_path, spec):
    """The same yellow, stored by BT.709 in limited and in full range."""
    path = tmp_path / "yellow.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"qp": "1", "x264-params": "log-level=none"})
        stream.width, stream.height, stream.pix_fmt = 320, 320, "yuv420p"
        stream.codec_context.color_range, stream.codec_context.colorspace = (2 if full_range else 1), 1
        red, green, blue = 0.8, 0.7, 0.1
        luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
        chroma = ((blue - luma) / 1.8556, (red - luma) / 1.5748)
        scale, offset, chroma_scale = (255, 0, 255) if full_range else (219, 16, 224)
        frame = av.VideoFrame(320, 320, "yuv420p")
        for plane, value in zip(frame.planes, (offset + scale * luma, *(128 + chroma_scale * part for part in chroma)), strict=True):
            plane.update(bytes([round(value)]) * plane.buffer_size)
        frame.color_range, frame.colorspace = (2 if full_range else 1), 1
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    rendering = render_clip(ClipRef(str(path), "yellow.mp4", Sampling(count=1)), spec)
    colour = written(rendering.pictures[0], spec)[100, 100]
    assert np.abs(colour - np.array([204, 178.5, 25.5])).max() <= 4


def test_decord_takes_the_same_frames(video, spec):
    pytest.importorskip("decord", reason="needs the decord extra")
    check_decoder("decord")
    clip = ClipRef(str(video("h264 with b-frames.mp4")), "a.mp4", Sampling(count=5))
    ours, theirs = (render_clip(clip, msgspec.structs.replace(spec, decoder=decoder)) for decoder in ("pyav", "decord"))
    assert [picture.frame for picture in ours.pictures] == [picture.frame for picture in theirs.pictures]
    for one, other in zip(ours.pictures, theirs.pictures, strict=True):
        assert np.abs(written(one, spec).astype(float) - written(other, spec)).mean() < 3
    cut = Path(spec.temp_dir, "cut.mp4")
    cut.write_bytes(Path(clip.path).read_bytes()[:5000])
    assert render_clip(ClipRef(str(cut), "cut.mp4", Sampling()), msgspec.structs.replace(spec, decoder="decord")).code == "VL102"


def test_a_missing_decord_names_its_install_line(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "decord", None)
    with pytest.raises(MissingExtraError, match=r"\[decord\]"):
        check_decoder("decord")


def test_the_real_clip_decodes_as_decoding_all_of_it_does(spec):
    path = Path(__file__).parents[4] / "shared" / "data" / "openeqa" / "open-eqa-hm3d-demo.mp4"
    if not path.exists():
        pytest.skip("the real clip is not beside this checkout")
    frames = videos.take_images(ClipRef(str(path), path.name, Sampling()), "pyav", np.asarray)
    expected = decode_all(path)
    assert frames.total == len(expected) == 168 and len(frames.taken) == 8
    assert all(np.array_equal(image, expected[index]) for index, image in frames.taken.items())
