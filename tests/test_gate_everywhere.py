"""No module opens a path that did not pass the gate: every module that opens files is listed here, with the reason it may."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("vldata", "vleval", "train/vltrain")
OPENERS = frozenset(
    {
        "open",
        "open_bytes",
        "read_bytes",
        "read_text",
        "write_bytes",
        "write_text",
        "copyfile",
        "copytree",
        "safe_open",
        "load_file",
        "ZipFile",
        "scan_parquet",
    }
    | {"read_parquet", "from_pretrained", "rmtree", "unlink", "rename", "replace"}
)
TEXT = frozenset({"replace"})  # of a str, a struct or a dataclass, which only a look at the arguments tells apart

USER = "paths that the user names on the command line"
SAFE = "a SafePath, which opens itself"
STATE = "our own state and staging, in a folder whose parts were found to be no links when its lock was taken"
GATE = "the gate and what it stands on"
CHECKED = "what `SafePath.checked` or `model_file` has judged"
SOURCE = "annotation files of a source, named by the user or found below the folder that the user named"
LINT = "headers of regular files where a trainer would look; read by `open_regular`, never copied or shown"
OURS = "files that come with the packages"

ALLOWED = {
    "vldata/errors.py": OURS,
    "vldata/files/copying.py": GATE,
    "vldata/files/durable.py": "writes beside and renames: the caller names the place",
    "vldata/files/gate.py": GATE,
    "vldata/files/inside.py": GATE,
    "vldata/files/lock.py": GATE,
    "vldata/files/parquet.py": SOURCE,
    "vldata/files/strictjson.py": "readers: callers pass what the user named, or what was checked",
    "vldata/files/workbooks.py": "callers pass what the user named",
    "vldata/datasets/dataset.py": SAFE,
    "vldata/datasets/info.py": CHECKED,
    "vldata/linting/internvl.py": SOURCE,
    "vldata/linting/llamafactory/entry.py": SOURCE,
    "vldata/linting/pictures.py": LINT,
    "vldata/linting/reading.py": SOURCE,
    "vldata/linting/run.py": "opens a path by a consumer's reader of rows",
    "vldata/linting/tables.py": SOURCE,
    "vldata/linting/videos.py": LINT,
    "vldata/datasets/whole.py": "a record file that opens its SafePath",
    "vldata/exports/swift.py": "removes the training script that it writes",
    "vldata/exports/training.py": "removes the training file that it writes",
    "vldata/exports/tables.py": "a tar over a handle that is open already",
    "vldata/media/decode.py": "bytes in memory",
    "vldata/media/kept.py": STATE,
    "vldata/media/sizes.py": "bytes in memory",
    "vldata/media/sources.py": "regular files alone; of a dataset by SafePath, of a source as `find_below` found them",
    "vldata/media/store.py": STATE,
    "vldata/media/video_container.py": "a handle that is open already",
    "vldata/api/info.py": "renames a dataset, not a file",
    "vldata/models/fingerprint.py": SAFE,
    "vldata/models/layout.py": CHECKED,
    "vldata/models/processor.py": CHECKED,
    "vldata/models/tiny.py": "writes a model of its own, for tests",
    "vldata/passports/layers.py": "what the user names, and of data what the gate opened",
    "vldata/passports/passport.py": "what the user names",
    "vldata/output/contract.py": "NAME.contract.json of a checked name",
    "vldata/output/dataset_info.py": "dataset_info.json of the folder",
    "vldata/output/identity.py": SOURCE,
    "vldata/api/card.py": "a README.md in the folder that the user named",
    "vldata/datasets/card.py": CHECKED,
    "vldata/sources/safexml.py": SOURCE,
    "vldata/sources/layouts/base.py": SOURCE,
    "vldata/sources/layouts/vqa.py": SOURCE,
    "vldata/sources/voc.py": SOURCE,
    "vldata/sources/yolo.py": SOURCE,
    "vldata/output/journal.py": STATE,
    "vldata/output/publish.py": STATE,
    "vldata/output/staging.py": STATE,
    "vldata/remote/mirror.py": "keys that `key_fault` judged, put in place relative to opened folders",
    "vldata/remote/outbox.py": STATE,
    "vldata/remote/relative.py": SAFE,
    "vldata/remote/sending.py": SAFE,
    "vldata/records/schema.py": OURS,
    "vldata/sources/archives.py": SOURCE,
    "vldata/sources/compressed.py": SOURCE,
    "vldata/sources/encodings.py": SOURCE,
    "vldata/sources/chartqa.py": SOURCE,
    "vldata/sources/chartqa_rows.py": SOURCE,
    "vldata/sources/openeqa_tars.py": SOURCE,
    "vldata/sources/pairfiles.py": SOURCE,
    "vldata/sources/registries.py": SOURCE,
    "vldata/sources/shards.py": SOURCE,
    "vldata/sources/tablerows.py": "members of a workbook that `guard_workbook` measured",
    "vldata/terminal.py": "/dev/null",
    "vldata/validation.py": CHECKED,
    "vldata/web/live.py": "the page that the command has written, and no name that a browser gives",
    "vldata/web/page.py": OURS,
    "vldata/models/tiny_families.py": "writes a model of its own, for tests",
    "vldata/models/by_processor.py": CHECKED,
    "vldata/xrays/cases.py": "rows in a temporary folder of our own",
    "vldata/xrays/pixels.py": "image files that a probe wrote into a temporary folder of ours, by their last name",
    "vldata/xrays/running.py": "the job and the result of a probe, in a temporary folder of our own",
    "vldata/xrays/probes/common.py": "the job beside which it writes; runs in a process of its own",
    "vldata/xrays/probes/llamafactory.py": "rows that the X-ray wrote; runs in a process of its own",
    "vldata/xrays/probes/swift.py": "a trainer's own loaders; runs in a process of its own",
    "vldata/xrays/probes/transformers.py": "a trainer's own loaders; runs in a process of its own",
    "vleval/crosscheck/page.py": "writes copies of what the gate opened into a working folder of its own",
    "vleval/api/bench.py": "opens a backend, not a file",
    "vleval/crosscheck/probes.py": "bytes in memory",
    "vleval/crosscheck/run.py": SAFE,
    "vleval/detection/cmap.py": "fonts of the system",
    "vleval/detection/run.py": "an image that `safe_path` found inside the folder that the user named",
    "vleval/inference/bench.py": SAFE,
    "vleval/inference/journal.py": USER,
    "vleval/inference/loading.py": CHECKED,
    "vleval/inference/messages.py": SAFE,
    "vleval/inference/run.py": "opens a backend, not a file",
    "vleval/metrics/jieba_cut.py": OURS,
    "vleval/readers/containers.py": USER,
    "vleval/readers/evalzip.py": USER,
    "vleval/readers/source.py": USER,
    "vleval/readers/tables.py": USER,
    "vleval/readers/xlsx.py": USER,
    "train/vltrain/cards.py": "the README.md of a run's own folder, which the user named; a link is not read",
    "train/vltrain/adapters.py": CHECKED,
    "train/vltrain/data.py": SAFE,
    "train/vltrain/features.py": SAFE,
    "train/vltrain/generic.py": SAFE,
    "train/vltrain/handing_over.py": "the config of the export that it has just written",
    "train/vltrain/logs.py": "the log and manifest of the run's own output folder",
    "train/vltrain/merging.py": CHECKED,
    "train/vltrain/merging_whole.py": CHECKED,
    "train/vltrain/xray.py": "the job beside which it writes, in a temporary folder of `vldata xray`",
    "train/vltrain/shards.py": "the parts of a merge, in a folder that `whole_folder` made",
}


def opens(path: Path) -> bool:
    """Whether a module calls anything that opens, moves or removes a file by its name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        name = called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
        if name not in OPENERS:
            continue
        if name == "write_text" and not isinstance(called, ast.Attribute):
            continue  # the exports' own, which writes by write_atomic
        if name in TEXT and (len(node.args) != 1 or node.keywords or not isinstance(called, ast.Attribute)):
            continue  # str.replace takes two, and structs.replace takes keywords
        return True
    return False


def modules() -> dict[str, Path]:
    return {path.relative_to(ROOT).as_posix(): path for package in PACKAGES for path in (ROOT / package).rglob("*.py")}


def test_every_module_that_opens_a_path_has_a_reason() -> None:
    opening = {name for name, path in modules().items() if opens(path)}
    assert opening - ALLOWED.keys() == set(), "open it by `vldata.files.gate.below`, or say here why it may be opened by name"
    assert ALLOWED.keys() - opening == set(), "opens nothing any more"


def test_the_test_sees_what_it_is_for(tmp_path: Path) -> None:
    for code, found in {
        "open(p)": True,
        "Path(p).read_bytes()": True,
        "os.open(p, 0)": True,
        "a.replace(b)": True,
        "'x'.replace('a', 'b')": False,
        "structs.replace(a, b=1)": False,
        "x.load()": False,
    }.items():
        (tmp_path / "m.py").write_text(code)
        assert opens(tmp_path / "m.py") is found, code


def test_removal_goes_through_one_module() -> None:
    """Nothing below an output folder is removed or renamed but by `vldata.files.inside`, which follows no link."""
    own = {"vldata/files/inside.py", "vldata/files/durable.py", "vldata/files/copying.py", "vldata/media/store.py", "vldata/media/kept.py"}
    for name, path in modules().items():
        text = path.read_text(encoding="utf-8")
        assert name in own or "shutil.rmtree" not in text, name
