"""Write docs/wild.md from what the models said."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "wild.md"
FOLDERS = {
    "ESMBackbone": "keras_hub_esm_roformer",
    "ESM2Backbone": "keras_hub_esm_roformer",
    "RoformerV2Backbone": "keras_hub_esm_roformer",
    "XLNetBackbone": "keras_hub_xlnet",
    "EmbedReduce, mean": "keras_rs_embed_reduce",
    "EmbedReduce, sum": "keras_rs_embed_reduce",
}
OF_KERAS = ("keras_time_distributed",)
HEAD = """\
# In the wild: what public models do with padding

`make wild` builds {count} public models, tiny and with random weights, and asks two judges. The
**solo test** runs each row alone, cut to its real steps, and compares it with that row in the
padded batch; it uses nothing of `course_lib`. Then `audit(model, x)` is asked.
{leaks} models let padding in, {agree} of {judged} verdicts agree.{failed}

A model of `keras-io` is the architecture of an official example of Keras, rebuilt small in our own
words; its weights, data and training are not judged. Padding stands at the end of the rows.
[What a leak costs](wild/cost.md) was asked of two of them. In Keras itself, [`TimeDistributed`
loses steps](wild/keras_time_distributed/README.md) in a graph over an unknown number of them.

| packages asked | version |
|---|---|
"""


def agree(row):
    """Whether the solo test and `audit` say the same."""
    return "ok" in row and row["leaks"] != row["ok"]


def table(title, columns, rows):
    """Return the lines of a section with a table, nothing without rows."""
    if not rows:
        return []
    lines = [f"## {title}", "", "| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    return [*lines, *("| " + " | ".join(map(str, row)) + " |" for row in rows), ""]


def verdict(row):
    """Return what `audit` said, with the kind and the place of its first finding."""
    if "refused" in row:
        return f"refused: {row['refused']}"
    if row["ok"]:
        return "invisible"
    kind, place = row["findings"][0]
    return f"{kind}: {place}"


def named(row):
    folder = FOLDERS.get(row["name"])
    name = f"**{row['name']}**" if row["leaks"] else row["name"]
    return f"[{name}](wild/{folder}/README.md)" if folder and row["leaks"] else name


def why(row):
    return row["why"] or (row["intent"] if row["intent"] != "sound" else "see its report")


def page(rows, versions, explained=None):
    """Return the page.

    Args:
        rows: what `ask` returned for each model.
        versions: the installed version of each package.
        explained: for a model on which the two disagree, why, by its name.
    """
    explained = explained or {}
    built = [row for row in rows if "failed" not in row]
    leaks = [row for row in built if row["leaks"]]
    unlike = [row for row in built if not agree(row)]
    failed = [row for row in rows if "failed" in row]
    note = f" {len(failed)} could not be run." if failed else ""
    head = HEAD.format(
        count=len(rows),
        leaks=len(leaks),
        agree=len(built) - len(unlike),
        judged=len(built),
        failed=note,
    )
    parts = [head + "\n".join(f"| {name} | {number} |" for name, number in versions.items()), ""]
    parts += table(
        "Where the two disagree",
        ("model", "package", "solo test", "`audit`", "why"),
        [
            (r["name"], r["package"], number(r), verdict(r), explained.get(r["name"], "not known"))
            for r in unlike
        ],
    )
    parts += table(
        "What lets padding in",
        ("model", "package", "difference", "`audit`", "seconds", "why"),
        [(named(r), r["package"], number(r), verdict(r), seconds(r), why(r)) for r in leaks],
    )
    parts += table(
        "What does not",
        ("model", "package", "difference", "`audit`", "seconds"),
        [
            (named(r), r["package"], number(r), verdict(r), seconds(r))
            for r in built
            if not r["leaks"]
        ],
    )
    parts += table(
        "What could not be run",
        ("model", "package", "error"),
        [(r["name"], r["package"], f"`{r['failed']}`") for r in failed],
    )
    return "\n".join(parts).rstrip() + "\n"


def number(row):
    return f"{row['difference']:.1g}"


def seconds(row):
    return f"{row['seconds']:.1f}"
