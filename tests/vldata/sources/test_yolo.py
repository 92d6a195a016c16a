"""YOLO exports as people have them: what stops, what costs an image, what is read, and what is a guess."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.labelled import draw
from vldata.errors import DataError
from vldata.records.draft import Draft, Guess, Reject
from vldata.sources.labelled import Wishes
from vldata.sources.yolo import open_source

BOX = "0 0.5 0.5 0.2 0.2\n"
YAML = "train: images/train\nval: images/val\nnames: [cat, dog]\n"
WHOLE = {"data.yaml": YAML, "labels/train/a.txt": BOX, "labels/val/c.txt": BOX}


def lay(root: Path, files: dict[str, str], images: tuple[str, ...] = ("images/train/a.jpg", "images/val/c.jpg")) -> Path:
    for name in images:
        draw(root / name, "a")
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


STOPS = {
    "case of a name": ({**WHOLE, "labels/train/a.txt": "", "labels/train/A.txt": BOX}, "stand without an image"),
    "another folder": ({**WHOLE, "labels/train/a.txt": "", "labels/training/a.txt": BOX}, "stand without an image"),
    "pose or polygon": ({**WHOLE, "labels/train/a.txt": "0 .5 .5 .2 .2 .45 .45 .55 .55\n"}, "boxes with key points inside"),
    "pose seen": ({**WHOLE, "labels/train/a.txt": "0 .5 .5 .2 .2 .45 .45 2 .55 .55 2\n"}, "boxes with key points inside"),
    "a split of a number": ({**WHOLE, "data.yaml": "train: 5\nnames: [cat]\n"}, "train: 5 is no folder"),
    "no mapping": ({**WHOLE, "data.yaml": "- cat\n"}, "no mapping with names"),
    "train is gone": ({**WHOLE, "data.yaml": "train: x\nval: images/val\nnames: [cat, dog]\n"}, "the folder 'x' is not here"),
    "a class without a name": ({"classes.txt": "cat\n\ndog\n", "labels/train/a.txt": BOX}, "the line is empty"),
}


@pytest.mark.parametrize("case", STOPS)
def test_what_cannot_be_told_stops_and_says_why(case: str, tmp_path: Path) -> None:
    files, why = STOPS[case]
    lay(tmp_path, {name: text for name, text in files.items() if text})
    with pytest.raises(DataError, match=why):
        open_source(tmp_path, wishes=Wishes(negatives=1))


NAMES = {
    "[no, yes]": ["no", "yes"],
    "[007, 1e3]": ["007", "1e3"],
    "{1: cat, 0: off}": ["off", "cat"],
    "[' cat ', 2.10]": ["cat", "2.10"],
}


@pytest.mark.parametrize("names", NAMES)
def test_class_names_are_spelt_as_they_are_written(names: str, tmp_path: Path) -> None:
    lay(tmp_path, {**WHOLE, "data.yaml": f"train: images/train\nval: images/val\nnames: {names}\n"})
    (train, _) = open_source(tmp_path)
    assert sorted(train.classes) == sorted(NAMES[names]) and train.images[0].things[0].label == NAMES[names][0]


LAYOUTS = {
    "gaps in numbers": {**WHOLE, "data.yaml": YAML.replace("[cat, dog]", "{0: cat, 5: dog}")},
    "a byte order mark": {**WHOLE, "labels/train/a.txt": "\ufeff" + BOX},
    "lists of images": {**WHOLE, "data.yaml": YAML.replace("images/train", "train.txt"), "train.txt": "./images/train/a.jpg\n"},
    "classes alone": {**{name: text for name, text in WHOLE.items() if "yaml" not in name}, "classes.txt": "cat\ndog\n"},
    "darknet": {
        **{name: text for name, text in WHOLE.items() if "yaml" not in name},
        "obj.data": "classes = 2\ntrain = data/train.txt\nvalid = data/valid.txt\nnames = data/obj.names\n",
        "obj.names": "cat\ndog\n",
        "train.txt": "data/images/train/a.jpg\n",
        "valid.txt": "data/images/val/c.jpg\n",
    },
}


@pytest.mark.parametrize("case", LAYOUTS)
def test_layouts_of_other_writers_are_read(case: str, tmp_path: Path) -> None:
    train, val = open_source(lay(tmp_path, LAYOUTS[case]))
    assert (train.split, val.split) == ("train", "val")
    assert [thing.label for image in train.images for thing in image.things] == ["cat"]
    assert not any(isinstance(sentence, Guess) for sentence in train.said)


def test_a_label_file_of_two_images_costs_both(tmp_path: Path) -> None:
    lay(tmp_path, WHOLE, ("images/train/a.jpg", "images/train/a.png", "images/val/c.jpg"))
    drafts = list(open_source(tmp_path, split="train")[0].drafts())
    assert len(drafts) == 2 and all(isinstance(draft, Reject) and "of 2 images" in draft.reason for draft in drafts)


def test_one_image_whose_labels_are_spelt_otherwise_is_no_image_of_nothing(tmp_path: Path) -> None:
    lay(tmp_path, {**WHOLE, "labels/train/B.txt": BOX}, ("images/train/a.jpg", "images/train/b.jpg", "images/val/c.jpg"))
    found = list(open_source(tmp_path, split="train", wishes=Wishes(negatives=1))[0].drafts())
    assert isinstance(found[0], Draft) and isinstance(found[1], Reject) and "'B.txt' has no image" in found[1].reason


GUESSES = {
    "a split that is gone": ({**WHOLE, "data.yaml": YAML + "test: ../test/images\n"}, "'../test/images' is not here"),
    "one name of two classes": ({**WHOLE, "data.yaml": YAML.replace("[cat, dog]", "[cat, cat]")}, "stands for several classes"),
    "two spellings": ({**WHOLE, "data.yaml": YAML.replace("[cat, dog]", "[cat, Cat]")}, "differ in case"),
    "labels without an image": ({**WHOLE, "labels/train/x.txt": BOX}, "1 label file without an image"),
}


@pytest.mark.parametrize("case", GUESSES)
def test_a_guess_is_called_one(case: str, tmp_path: Path) -> None:
    files, what = GUESSES[case]
    said = [sentence for source in open_source(lay(tmp_path, files)) for sentence in source.said]
    assert any(isinstance(sentence, Guess) and what in sentence for sentence in said), said


def test_a_split_without_labels_is_left_out_and_said(tmp_path: Path) -> None:
    lay(tmp_path, {"data.yaml": YAML, "labels/train/a.txt": BOX})
    (train,) = open_source(tmp_path, wishes=Wishes(negatives=1))
    assert train.split == "train" and any("val: left out" in sentence for sentence in train.said)
