"""A picture of sentences × versions: under which Keras does a sentence hold?"""

from textwrap import wrap

from course_lib.pictures import BLUE, HATCH, INK, PALE, RED, Picture, new_figure
from course_lib.versions import FAILS, HOLDS

# A sentence takes two lines of so many letters, and no more: so the picture fits a slide.
LETTERS, LINES = 45, 2


def draw_changes(sentences, title=""):
    """Draw a grid: a row for each sentence, a column for each version.

    Args:
        sentences: a list of `course_lib.versions.Sentence`, all with the same versions.
        title: a line above the grid.

    Returns:
        A `Picture`: `✓` where the sentence holds, `✗` on another colour where it fails, hatched
        where the version has no such thing or was not asked.

    Raises:
        ValueError: there is no sentence, or two of them were asked of different versions.
    """
    sentences = list(sentences)
    if not sentences:
        raise ValueError("`sentences` must hold at least one sentence, got none")
    versions = list(sentences[0].verdicts)
    for one in sentences:
        if list(one.verdicts) != versions:
            raise ValueError(
                f"`sentences` must all be asked of {versions}, got {list(one.verdicts)} "
                f"for {one.number}"
            )
    figure, axes = new_figure(4.0 + 0.31 * len(versions), 0.95 + 0.37 * len(sentences))
    for row, one in enumerate(sentences):
        for column, verdict in enumerate(one.verdicts.values()):
            _paint(axes, row, column, verdict)
    axes.set_xlim(0, len(versions))
    axes.set_ylim(len(sentences), 0)
    axes.set_xticks([place + 0.5 for place in range(len(versions))], versions, rotation=60)
    axes.set_yticks(
        [place + 0.5 for place in range(len(sentences))], [_label(one) for one in sentences]
    )
    axes.tick_params(length=0, labelsize=10, colors=INK)
    axes.xaxis.tick_top()
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    about = f"{title}: " if title else ""
    count = f"{len(sentences)} sentence{'s' * (len(sentences) != 1)}"
    told = " ".join(f"{one.number} {_in_words(one)}." for one in sentences)
    return Picture(figure, f"{about}{count}, {len(versions)} versions. {told}")


def _paint(axes, row, column, verdict):
    from matplotlib.patches import Rectangle

    colour = {HOLDS: BLUE, FAILS: RED}.get(verdict, PALE)
    style = {} if verdict in (HOLDS, FAILS) else {"hatch": HATCH}
    axes.add_patch(
        Rectangle((column, row), 1, 1, facecolor=colour, edgecolor="white", linewidth=1, **style)
    )
    if style:
        return
    bold = "bold" if verdict == FAILS else "normal"
    axes.text(
        column + 0.5,
        row + 0.53,
        verdict,
        ha="center",
        va="center",
        fontsize=10,
        weight=bold,
        color="white",
        family="DejaVu Sans",
    )


def _label(one):
    text = one.text.replace("`", "").replace("**", "").replace("$", r"\$")
    # A word longer than a line is broken; what is too long for all lines ends in an ellipsis.
    lines = wrap(f"{one.number} {text}", LETTERS, max_lines=LINES, placeholder="…")
    return "\n".join(lines)


def _in_words(one):
    """Return under which versions it fails: runs of columns, in words."""
    names, runs = list(one.verdicts), []
    for place, name in enumerate(names):
        if one.verdicts[name] != FAILS:
            continue
        if runs and runs[-1][1] == place - 1:
            runs[-1][1] = place
        else:
            runs.append([place, place])
    if not runs:
        return "fails nowhere"
    parts = [names[a] if a == b else f"{names[a]} to {names[b]}" for a, b in runs]
    return "fails in " + " and ".join(parts)
