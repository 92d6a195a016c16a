"""Drawing: the space found over all answers, a run without a box, names as long as a file system allows."""

from __future__ import annotations

import json

from PIL import Image

from vleval.detection.inputs import Task, output_names


def drawn(vleval, tmp_path, records, *options, image="a.png"):
    root = tmp_path / "pictures"
    root.mkdir(exist_ok=True)
    Image.new("RGB", (400, 200), (240, 240, 240)).save(root / image)
    lines = "".join(json.dumps({"id": str(n), "image": image, "prediction": text}) + "\n" for n, text in enumerate(records))
    (tmp_path / "p.jsonl").write_text(lines)
    return vleval("detect", tmp_path / "p.jsonl", "--image-root", root, "--out", tmp_path / "out", *options)


def test_the_space_is_found_and_said(vleval, tmp_path):
    found = drawn(vleval, tmp_path, ["cat(250,250),(500,750)"], "--coord-space", "auto")
    assert (found.code, "[100, 50, 200, 150]" in found.out) == (0, True)
    assert "Boxes are read as 0-1000" in found.err
    mixed = drawn(vleval, tmp_path, ["cat(250,250),(500,750)", "[0.1, 0.1, 0.5, 0.5]"], "--coord-space", "auto")
    assert (mixed.code, "mix coordinate spaces" in mixed.err) == (1, True)
    outside = drawn(vleval, tmp_path, ["[250, 250, 500, 750]"], "--coord-space", "pixels")
    assert "1 of 1 answers have values outside the space 'pixels'" in outside.err


def test_a_run_without_a_box_is_no_success(vleval, tmp_path):
    found = drawn(vleval, tmp_path, ["There is nothing."], "--coord-space", "auto")
    assert (found.code, "No answer has a box" in found.out) == (1, True)


def test_a_long_name_is_cut_and_told_apart(vleval, tmp_path):
    name = "x" * 251 + ".png"
    assert drawn(vleval, tmp_path, ["[10, 10, 50, 50]"], "--coord-space", "pixels", "--keep-going", image=name).code == 0
    (written,) = (tmp_path / "out").iterdir()
    assert len(written.name) <= 200
    names = output_names([Task(f"d/{'猫' * 80}{n}.png", tmp_path, None) for n in range(2)])
    assert names[0] != names[1]
    assert all(name.startswith("d/猫") and len(name.encode()) <= 202 for name in names)


def test_a_box_of_a_thought_is_not_drawn(vleval, tmp_path):
    found = drawn(vleval, tmp_path, ["<think>[[1, 1, 50, 50]]</think>[[100, 100, 200, 150]]"], "--coord-space", "pixels")
    assert "1 image, 1 box drawn" in found.out and "[100, 100, 200, 150]" in found.out


def test_a_corner_that_may_be_a_size_is_said(vleval, tmp_path):
    found = drawn(vleval, tmp_path, ["[300, 150, 50, 20]"], "--coord-space", "pixels")
    assert "[50, 20, 300, 150]" in found.out and "--box-order xywh" in found.err + found.out
    told = drawn(vleval, tmp_path, ["[300, 150, 50, 20]"], "--coord-space", "pixels", "--box-order", "xywh")
    assert "[300, 150, 350, 170]" in told.out and "--box-order" not in told.err + told.out
