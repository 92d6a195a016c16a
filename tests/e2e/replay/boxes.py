"""The tutorial of merging, four bits and detection."""

from __future__ import annotations

import json
import re
import shutil

from PIL import Image

from tests.e2e.replay import wires
from tests.e2e.replay.bench import Look, recipe
from tests.e2e.replay.idcards import hf_merge

CLASSES = "table,cup,bottle,chair,robot,garbage can,shelf,tissue box,potted plant"
FIELDS = ("colour", "shape", "appearance")
REPLIES = {
    "fence": '```json\n[{"bbox_2d": [100, 100, 500, 500], "label": "circle"}]\n```',
    "prose": 'Here they are: [{"bbox": [100, 100, 500, 500], "category": "circle"}] I hope it helps.',
    "torn": '[{"bbox": [100, 100, 500, 500], "category": "circle"}, {"bbox": [1, 2',
    "quotes": "[{'bbox': [100, 100, 500, 500], 'category': 'circle'}]",
    "wrapped": '{"objects": [{"bbox": [100, 100, 500, 500], "category": "circle"}]}',
    "null": '[{"bbox": null, "category": "square"}, {"bbox": [100, 100, 500, 500], "category": "circle"}]',
}


def settings(look: Look) -> None:
    bench = look.bench
    more = ("learning_rate: 3e-5", "epochs: 3", "batch_size: 2", "accumulate: 2", "cutoff: 2048", "schedule: cosine")
    bench.file("boxes.yaml", recipe(bench.tiny, f"{bench.boxes}_train", "runs/boxes", *more))
    told = look.run("vltrain plan boxes.yaml").said
    look.see("18 records, 3 epochs, 2 x 2: 15 steps", "Steps: 15 (18 records, batch 2 x 2, 3 epochs)" in told)


def merge_flags(look: Look) -> None:
    bench = look.bench
    look.see("adapter", bench.tuned)
    line = f'vltrain merge --model_name_or_path "{bench.tiny}/" --adapter_name_or_path ./{bench.tuned}/ --export_dir ./model_path/merged-t --template qwen3_vl_nothink'
    look.run(line)
    refused = look.run(line.replace("merged-t", "merged-u").replace("qwen3_vl_nothink", "qwen2_vl"), code=2).said
    look.see("another model's template is refused", "qwen2_vl" in refused)


def merge_files(look: Look) -> None:
    names = {path.name for path in (look.bench.work / look.bench.merged).iterdir()}
    wanted = (
        "chat_template.jinja",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "preprocessor_config.json",
        "video_preprocessor_config.json",
        "Modelfile",
    )
    for name in wanted:
        look.see(name, name in names)


def smaller(look: Look) -> None:
    bench = look.bench
    folder = bench.four_bits
    told = look.run(f"vltrain quantize {bench.merged} --out nf4-again").said
    sizes = re.search(r"([\d.]+) MB became ([\d.]+) MB", told)
    look.see("sizes before and after are said", sizes)
    look.see("and it is smaller", sizes and float(sizes[2]) < float(sizes[1]))
    look.see("the folder is there", (bench.work / folder / "config.json").is_file())


def four_bits(look: Look) -> None:
    bench = look.bench
    config = bench.document(f"{bench.four_bits}/config.json")["quantization_config"]
    look.see("nf4, double quantisation", config["bnb_4bit_quant_type"] == "nf4" and config["bnb_4bit_use_double_quant"])
    skipped = json.dumps(config.get("llm_int8_skip_modules"))
    look.see("tower and head stay wide", "visual" in skipped and "lm_head" in skipped)
    for compute in ("bf16", "fp16", "fp32"):
        look.run(f"vltrain quantize {bench.merged} --out nf4-{compute} --compute {compute}")
        look.run(
            f"vleval predict --data {bench.squares}_test --backend hf --model nf4-{compute} --max-tokens 4 --limit 2 --out nf4-{compute}.jsonl"
        )


def saved_whole(look: Look) -> None:
    bench = look.bench
    names = {path.name for path in (bench.work / bench.four_bits).iterdir()}
    look.see(
        "model, tokenizer and processor",
        {"model.safetensors", "tokenizer.json", "preprocessor_config.json", "chat_template.jinja"} <= names,
    )
    look.run(f"vleval predict --data {bench.squares}_test --backend hf --model {bench.four_bits} --max-tokens 8 --out nf4.jsonl")
    look.run(f"vleval compare {bench.answers} nf4.jsonl --data {bench.squares}_test --metric exact_match")


def class_list(look: Look) -> None:
    bench = look.bench
    photos = bench.work / "office"
    photos.mkdir(exist_ok=True)
    for name in ("00_2.jpg", "00_10.JPG", "00_2.png"):
        Image.new("RGB", (640, 480), "white").save(photos / name)
    for language, word in (("en", "garbage can"), ("zh", "类别")):
        look.run(
            f'vldata convert images office --classes "{CLASSES}" --language {language} --name office_{language} --out office-{language}'
        )
        prompt = bench.rows(f"office-{language}/office_{language}.jsonl")[0]["messages"][0]["content"]
        look.see(f"a question in {language} with the nine classes", word in prompt and all(name in prompt for name in CLASSES.split(",")))


def attributes(look: Look) -> None:
    bench = look.bench
    look.run(f"vldata convert images office --classes table --attributes {','.join(FIELDS)} --name fields --out office-fields")
    prompt = bench.rows("office-fields/fields.jsonl")[0]["messages"][0]["content"]
    look.see("the further fields are asked for", all(name in prompt for name in FIELDS))
    schema = json.loads((bench.root / "schemas" / "detection.schema.json").read_text())
    found = look.run(f"vleval detect answers/exact.jsonl --data {bench.boxes}_test --out by-schema --json").json
    import jsonschema

    jsonschema.validate(found, schema)
    look.see("what detect prints is as schemas/detection.schema.json says", found["drawn"])


def upright(look: Look) -> None:
    bench = look.bench
    turned = bench.work / "turned"
    turned.mkdir(exist_ok=True)
    picture = Image.new("RGB", (640, 480), "white")
    picture.paste("red", (0, 0, 320, 240))
    exif = picture.getexif()
    exif[274] = 6
    picture.save(turned / "a.jpg", exif=exif)
    bench.file("turned.jsonl", json.dumps({"image": "a.jpg", "prediction": '[{"bbox_2d": [500, 0, 1000, 500], "label": "red"}]'}) + "\n")
    look.run("vleval detect turned.jsonl --image-root turned --coord-space 0-1000 --out drawn-turned")
    with Image.open(bench.work / "drawn-turned" / "a.jpg.boxes.png") as image:
        look.see("drawn on the upright image", image.size[0] < image.size[1])


def greedy(look: Look) -> None:
    with wires.fake(model="m") as server:
        look.run(
            f"vleval detect office --model m --backend vllm --base-url {server.url} --classes table --max-tokens 512 --out asked --keep-going",
            code=None,
        )
        body = server.bodies[-1]
    look.see("greedy, 512 tokens", body["temperature"] == 0 and body["max_tokens"] == 512)
    look.see("every image of the folder is asked once", len(server.bodies) >= 3)


def tolerant(look: Look) -> None:
    bench = look.bench
    (bench.work / "six").mkdir(exist_ok=True)
    for name in REPLIES:
        Image.new("RGB", (640, 480), "white").save(bench.work / "six" / f"{name}.jpg")
    bench.file(
        "six.jsonl", "".join(json.dumps({"id": name, "image": f"{name}.jpg", "prediction": text}) + "\n" for name, text in REPLIES.items())
    )
    found = look.run("vleval detect six.jsonl --image-root six --coord-space 0-1000 --out drawn-six --json", code=None).json
    text = json.dumps(found)
    look.see(
        "each of six replies keeps its whole object",
        text.count('"circle"') >= 6 or found.get("boxes") == 6 or re.search(r'"boxes": 6\b', text),
    )


def denormalised(look: Look) -> None:
    bench = look.bench
    (bench.work / "one").mkdir(exist_ok=True)
    Image.new("RGB", (640, 480), "white").save(bench.work / "one" / "a.jpg")
    places = {"0-1000": [250, 250, 750, 750], "pixels": [160, 120, 480, 360], "0-1": [0.25, 0.25, 0.75, 0.75]}
    for space, box in places.items():
        reply = json.dumps([{"bbox_2d": box, "label": "x"}])
        bench.file("one.jsonl", json.dumps({"image": "a.jpg", "prediction": reply}) + "\n")
        look.run(f"vleval detect one.jsonl --image-root one --coord-space {space} --out one-{space} --to coco")
        labels = next((bench.work / f"one-{space}").rglob("*coco*.json"))
        (annotation,) = json.loads(labels.read_text())["annotations"]
        look.see(f"{space}: within a pixel", all(abs(a - b) <= 1 for a, b in zip(annotation["bbox"], [160, 120, 320, 240], strict=True)))


def clamped(look: Look) -> None:
    bench = look.bench
    boxes = ([1000, 1000, 1000, 1000], [0, 0, 1000, 1000], [700, 700, 300, 300], [900, 900, 1400, 1400])
    reply = json.dumps([{"bbox_2d": box, "label": "x"} for box in boxes])
    bench.file("edge.jsonl", json.dumps({"image": "a.jpg", "prediction": reply}) + "\n")
    told = look.run("vleval detect edge.jsonl --image-root one --coord-space 0-1000 --out edge --to coco").said
    labels = json.loads(next((bench.work / "edge").rglob("*coco*.json")).read_text())["annotations"]
    look.see(
        "all inside the image and of some area",
        all(w > 0 and h > 0 and x >= 0 and y >= 0 and x + w <= 640 and y + h <= 480 for x, y, w, h in (a["bbox"] for a in labels)),
    )
    look.see("the whole image reaches its edges", any(a["bbox"] == [0, 0, 640, 480] for a in labels))
    look.see("what had no area or lay outside is counted", re.search(r"no area|outside", told))


def unknown_classes(look: Look) -> None:
    bench = look.bench
    reply = json.dumps([{"bbox_2d": [0, 0, 500, 500], "label": "unicorn"}])
    bench.file("unknown.jsonl", json.dumps({"image": "a.jpg", "prediction": reply}) + "\n")
    told = look.run("vleval detect unknown.jsonl --image-root one --coord-space 0-1000 --classes table,cup --out unknown", code=None).said
    look.see("an unknown class is named", "unicorn" in told)


def drawn(look: Look) -> None:
    bench = look.bench
    reply = json.dumps(
        [{"bbox_2d": [100, 100, 600, 600], "label": "桌子"}, {"bbox_2d": [300, 300, 900, 900], "label": "椅子"}], ensure_ascii=False
    )
    bench.file("cjk.jsonl", json.dumps({"image": "a.jpg", "prediction": reply}) + "\n")
    told = look.run("vleval detect cjk.jsonl --image-root one --coord-space 0-1000 --out cjk --escape-labels")
    with Image.open(bench.work / "cjk" / "a.jpg.boxes.png") as image:
        colours = image.convert("RGB").getcolors(1 << 24) or []
    look.see("boxes in two colours on the image", len(colours) > 10)
    look.see("a font without the characters is said, not drawn as boxes", told.code == 0)


def descriptions(look: Look) -> None:
    bench = look.bench
    reply = json.dumps(
        [{"bbox_2d": [0, 282, 81, 511], "label": "table", "color": "浅木色", "shape": "长方形", "appearance": "办公桌"}], ensure_ascii=False
    )
    bench.file("described.jsonl", json.dumps({"image": "a.jpg", "prediction": reply}) + "\n")
    told = look.run("vleval detect described.jsonl --image-root one --coord-space 0-1000 --out described").said
    found = look.run("vleval detect described.jsonl --image-root one --coord-space 0-1000 --out described --json").out
    look.see("category and box are printed", "table" in told)
    look.see(
        "colour, shape and appearance too",
        all(word in told or word in found or json.dumps(word)[1:-1] in found for word in ("浅木色", "长方形", "办公桌")),
    )


def whole_folder(look: Look) -> None:
    bench = look.bench
    Image.new("RGB", (320, 240), "white").save(bench.work / "office" / "b.gif")
    with wires.fake(model="m") as server:
        told = look.run(
            f"vleval detect office --model m --backend vllm --base-url {server.url} --classes table --out asked2 --keep-going --json",
            code=None,
        ).out
    order = [name for name in re.findall(r'"[^"]*?(00_2\.jpg|00_2\.png|00_10\.JPG|b\.gif)"', told)]
    look.see("all extensions, whatever their case", {"00_2.jpg", "00_2.png", "00_10.JPG", "b.gif"} <= set(order))
    look.see("2 before 10", order and order.index("00_2.jpg") < order.index("00_10.JPG"))


def layout(look: Look) -> None:
    bench = look.bench
    rows = [{"image": name, "prediction": json.dumps([{"bbox_2d": [0, 0, 500, 500], "label": "x"}])} for name in ("00_2.jpg", "00_2.png")]
    bench.file("pair.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    look.run("vleval detect pair.jsonl --input_dir office --coord-space 0-1000 --output_dir pair")
    files = [
        path.relative_to(bench.work / "pair").as_posix() for path in (bench.work / "pair").rglob("*") if path.suffix in (".jpg", ".png")
    ]
    look.see(f"two files for a.jpg and a.png: {files}", len(files) == 2)
    look.see("named by the whole name of the image", set(files) == {"00_2.jpg.boxes.png", "00_2.png.boxes.png"})


def errors(look: Look) -> None:
    bench = look.bench
    (bench.work / "broken").mkdir(exist_ok=True)
    (bench.work / "broken" / "a.jpg").write_bytes(b"no image")
    Image.new("RGB", (64, 64)).save(bench.work / "broken" / "b.jpg")
    box = json.dumps([{"bbox_2d": [0, 0, 500, 500], "label": "x"}])
    bench.file("broken.jsonl", "".join(json.dumps({"image": f"{name}.jpg", "prediction": box}) + "\n" for name in "ab"))
    told = look.run("vleval detect broken.jsonl --image-root broken --coord-space 0-1000 --out broken-drawn", code=1).said
    look.see("the image that failed is named", "a.jpg" in told)
    look.run("vleval detect broken.jsonl --image-root broken --coord-space 0-1000 --out broken-drawn --keep-going")
    look.see(
        "the time of an answer is on record",
        "latency" in json.dumps(bench.rows(bench.answers)[0]) or "_s" in json.dumps(bench.rows(bench.answers)[0]),
    )


def scores(look: Look) -> None:
    bench = look.bench
    found = look.run(f"vleval score answers/careless.jsonl --data {bench.boxes}_test --json").json
    text = json.dumps(found)
    look.see("precision, recall, F1", all(word in text for word in ("precision", "recall", "f1")))
    exact = look.run(f"vleval score answers/exact.jsonl --data {bench.boxes}_test").said
    look.see("a right system has 1.0000", "precision 1.0000, recall 1.0000" in exact)
    told = look.run(f"vleval score answers/careless.jsonl --data {bench.boxes}_test --metric coco_ap").said
    look.see("average precision as pycocotools counts it", "coco_ap = " in told)
    look.run(f"vleval compare answers/careless.jsonl answers/exact.jsonl --data {bench.boxes}_test")
    shutil.rmtree(bench.work / "drawn-scored", ignore_errors=True)
    scored = look.run(f"vleval detect answers/careless.jsonl --data {bench.boxes}_test --out drawn-scored --json", code=None).out
    look.see("the share that could be parsed is in the JSON", re.search(r"pars", scored))


ROWS = (
    ("2.1", "the table of QLoRA settings", settings),
    ("2.2", "llamafactory-cli export flags", merge_flags),
    ("2.3", "the files of the export's log", merge_files),
    ("2.4", "8.3 GB become 2.7 GB", smaller),
    ("2.5", "BitsAndBytesConfig nf4", four_bits),
    ("2.6", "Qwen3VLFor..., fallback AutoModel", hf_merge),
    ("2.7", "model, tokenizer and processor are saved", saved_whole),
    ("2.8", "the list of classes", class_list),
    ("2.9", "five fields an object", attributes),
    ("2.10", "the image through PIL", upright),
    ("2.11", "chat template, greedy, 512 tokens", greedy),
    ("2.12", "JSON in fences and prose", tolerant),
    ("2.13", "0-1000 to pixels", denormalised),
    ("2.14", "clamping", clamped),
    ("2.15", "the category is checked", unknown_classes),
    ("2.16", "boxes and labels are drawn", drawn),
    ("2.17", "descriptions are printed", descriptions),
    ("2.18", "natural order, many extensions", whole_folder),
    ("2.19", "visualizations_simple/", layout),
    ("2.20", "time an image, exceptions", errors),
    ("2.21", "precision and recall", scores),
    ("2.22", "--input_dir, --output_dir", layout),
)
