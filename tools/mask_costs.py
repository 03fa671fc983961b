"""What a lost mask costs, over three seeds: trains the models of lesson 11, writes a JSON file.

`python -m tools.mask_costs` takes about ten minutes on two cores, too long for a lesson. It runs
the lesson's own code cells up to the one that reads the file, so there is one definition of each
model. The file keeps a fingerprint of these definitions; a test compares it, and asks for a new run
when they have changed.
"""

import ast
import hashlib
import json
from pathlib import Path

import conftest  # noqa: F401  the kernel settings, also without make

ROOT = Path(__file__).resolve().parent.parent
LESSON = ROOT / "notebooks" / "11_pronunciation.ipynb"
STORED = ROOT / "docs" / "mask_costs.json"
SEEDS = 3


def cells():
    """Return the sources of the code cells before the one that reads the file, as text.

    Exercises are left out: their stubs, checks and solutions.
    """
    found = []
    for cell in json.loads(LESSON.read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] != "code":
            continue
        if STORED.name in text:
            return found
        if "check(" not in text and not text.rstrip().endswith("..."):
            found.append(text)
    raise ValueError(f"no cell of {LESSON.name} reads {STORED.name}")


def fingerprint():
    """Return a hash of what the cells define and assign; what they only show has no part in it."""
    kept = (ast.FunctionDef, ast.Assign, ast.AugAssign)
    parts = [
        ast.dump(node)
        for text in cells()
        for node in ast.parse(text).body
        if isinstance(node, kept)
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def measure():
    """Return the numbers of each model over seeds: dict, name → list of dicts."""
    lesson = {}
    for text in cells():
        exec(text, lesson)
    found = {}
    for seed in range(SEEDS):
        for name, (_, options, _) in lesson["slips"].items():
            print(f"seed {seed}, slip: {name}", flush=True)
            model, log = lesson["run"](name, seed)
            padding = options.get("padding", "post")
            found.setdefault(name, []).append(costs(lesson, model, log, padding))
        model, log = in_buckets(lesson, seed)
        found.setdefault("none, in buckets", []).append(costs(lesson, model, log))
    return found


def in_buckets(lesson, seed):
    """Train the sound model on rows of like length, as the lesson does, from another start."""
    lesson["keras"].utils.set_random_seed(seed)
    model = lesson["build"]()
    data = (lesson["buckets"](lesson[name]) for name in ("train_words", "val_words"))
    return model, lesson["train"](model, *data)["val_accuracy"][-1]


def costs(lesson, model, log, padding="post"):
    """Return what the log says, and what is right of the test words, padded and alone."""
    score, words = lesson["score"], lesson["test_words"]
    of_phones, of_words = score(lesson["marks"](model, words, padding), words)
    _, by_itself = score(lesson["alone"](model, words), words)
    return {"log": log, "phones": of_phones, "words": of_words, "words alone": by_itself}


def main():
    code = fingerprint()  # of the cells that run now
    found = {
        name: [{key: round(float(share), 4) for key, share in one.items()} for one in seeds]
        for name, seeds in measure().items()
    }
    text = json.dumps({"code": code, "costs": found}, indent=1, ensure_ascii=False)
    STORED.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
