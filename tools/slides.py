"""Make a deck of every lesson, in build/slides, that opens from disk without a network.

`make slides`, or `make slides LESSON=04` for one. The cells are the committed ones, with the
outputs that the tests compare; `tools/talk.py` reads what stands on which slide. reveal.js and
MathJax come from npm, by the versions in package-lock.json, and are laid beside the decks.
`make slides PDF=1` prints each deck as well, and a handout with the notes.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

from tools import slides_print
from tools.programs import program
from tools.slides_render import write_deck
from tools.talk import is_talk

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "slides"
# What a deck reads of each package, from its folder in node_modules.
ASSETS = {
    "reveal.js/dist": "reveal.js/dist",
    "reveal.js/plugin/notes": "reveal.js/plugin/notes",
    "reveal.js/LICENSE": "reveal.js/LICENSE",
    "mathjax/MathJax.js": "mathjax/MathJax.js",
    "mathjax/LICENSE": "mathjax/LICENSE",
    "mathjax/config/TeX-AMS_CHTML-full.js": "mathjax/config/TeX-AMS_CHTML-full.js",
    "mathjax/config/Safe.js": "mathjax/config/Safe.js",
    "mathjax/extensions": "mathjax/extensions",
    "mathjax/jax/element": "mathjax/jax/element",
    "mathjax/jax/input/TeX": "mathjax/jax/input/TeX",
    "mathjax/jax/output/CommonHTML": "mathjax/jax/output/CommonHTML",
    "mathjax/fonts/HTML-CSS/TeX/woff": "mathjax/fonts/HTML-CSS/TeX/woff",
}
# Source maps, and MathJax's explorer, which is larger than all the rest and off by default.
NOT_NEEDED = shutil.ignore_patterns("*.map", "a11y")


def install():
    """Install the locked npm packages into node_modules, unless they are there."""
    npm = program("npm", use="The decks need", more="Lessons and tests work without it.")
    installed, lock = ROOT / "node_modules" / ".package-lock.json", ROOT / "package-lock.json"
    if installed.exists() and installed.stat().st_mtime > lock.stat().st_mtime:
        return
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        sys.exit("npm could not install what package-lock.json names; its message stands above.")


def copy_assets(folder):
    """Copy what the decks read into `folder`/assets."""
    for source, target in ASSETS.items():
        source, target = ROOT / "node_modules" / source, folder / "assets" / target
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=NOT_NEEDED, dirs_exist_ok=True)
        else:
            shutil.copyfile(source, target)


def main(*arguments):
    pattern = next((each for each in arguments if each != "--pdf"), "")
    paths = sorted((ROOT / "notebooks").glob(f"{pattern}*.ipynb"))
    if not paths:
        sys.exit(f"no notebook in notebooks/ starts with {pattern!r}")
    install()
    copy_assets(BUILD)
    for path in paths:
        print(write_deck(path, BUILD).relative_to(ROOT), flush=True)
    if "--pdf" in arguments:
        # Cells that are not a talk yet scroll on the screen; on paper they would be cut.
        talks = [path for path in paths if is_talk(nbformat.read(path, as_version=4))]
        for printed, pages in slides_print.write_pdfs(talks, BUILD):
            print(f"{printed.relative_to(ROOT)}: {pages} pages", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
