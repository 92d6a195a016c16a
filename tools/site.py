"""Stage the site and build it: README, docs/, one page a command, the change log, `llms.txt`.

python -m tools.site OUT [--without-examples]     # needs mkdocs-material and mkdocs-static-i18n (`make docs`)

docs/ stays readable where it is; this copies it below `.work/site`, turns links that leave docs/ into links of the site, and lets mkdocs
check every one (--strict).
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tools.docs.commands import Page, command_pages, render, run_examples

ROOT = Path(__file__).parents[1]
STAGE = ROOT / ".work" / "site"
PROGRAMS = {
    "vldata": "Convert, validate and split data.",
    "vleval": "Ask, score, compare and report.",
    "vltrain": "Train, merge and export.",
}


def stage(*, examples: bool) -> Path:
    """Write the pages below `.work/site/docs`; returns that folder."""
    docs = STAGE / "docs"
    shutil.rmtree(STAGE, ignore_errors=True)
    shutil.copytree(ROOT / "docs", docs)
    shutil.copy(ROOT / "tools" / "site.css", docs)
    (docs / "llms.txt").write_text(_site_links((docs / "llms.txt").read_text(encoding="utf-8")).replace("../README.md", "index.md"))
    for source, target in (("README.md", "index.md"), ("README.zh-CN.md", "index.zh.md"), ("CHANGELOG.md", "changelog.md")):
        (docs / target).write_text(_site_links((ROOT / source).read_text(encoding="utf-8")), encoding="utf-8")
    for page in [*docs.glob("*.md"), *docs.glob("*/*.md")]:
        page.write_text(_inside(page.read_text(encoding="utf-8"), page, docs), encoding="utf-8")
    pages = command_pages()
    ran = run_examples(pages, STAGE / "sample", ROOT) if examples else {}
    commands = docs / "commands"
    commands.mkdir()
    for page in pages:
        (commands / page.name).write_text(render(page, ran.get(page.name)), encoding="utf-8")
    (commands / "index.md").write_text(_index(pages), encoding="utf-8")
    print(f"{len(pages)} commands, {len(ran)} examples run.")
    return docs


def _index(pages: list[Page]) -> str:
    lines = ["# Commands", ""]
    for program, about in PROGRAMS.items():
        lines += [f"## {program}", "", about, "", "| command | |", "|---|---|"]
        for page in pages:
            if page.words[0] == program:
                sentence = re.split(r"\n\s*\n", (page.command.help or "").strip())[0]
                lines.append(f"| [{' '.join(page.words)}]({page.name}) | {' '.join(sentence.split())} |")
        lines.append("")
    return "\n".join(lines)


def _site_links(text: str) -> str:
    """Links of a page at the root, as that page is in docs/."""
    text = text.replace("](docs/adr/)", "](adr/0001-the-record-and-its-folder.md)").replace("](docs/", "](")
    return (
        text.replace("](README.zh-CN.md)", "](index.zh.md)")
        .replace("](README.md)", "](index.md)")
        .replace("](CHANGELOG.md)", "](changelog.md)")
    )


def _inside(text: str, page: Path, docs: Path) -> str:
    """Links out of docs/ become links to the start page, or plain text where the site has no such page."""
    up = "../" * len(page.relative_to(docs).parent.parts)
    text = re.sub(r"^\[(?:English|简体中文)\]\(README(?:\.zh)?\.md\)\n\n", "", text, flags=re.M)  # the site has a switch of its own
    text = re.sub(r"\]\((?:\.\./)+README\.md", f"]({up}index.md", text)
    return re.sub(r"\[([^\]]+)\]\((?:\.\./)+(?!\w[\w-]*\.md|index\.)[^)]*\)", r"\1", text) if page.parent == docs else text


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--without-examples", action="store_true", help="do not run the commands' examples")
    arguments = parser.parse_args()
    stage(examples=not arguments.without_examples)
    shutil.copy(ROOT / "tools" / "mkdocs.yml", STAGE / "mkdocs.yml")
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "-q",
        "-f",
        str(STAGE / "mkdocs.yml"),
        "-d",
        str(arguments.out.resolve()),
    ]
    return subprocess.run(command, check=False, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}).returncode


if __name__ == "__main__":
    sys.exit(main())
