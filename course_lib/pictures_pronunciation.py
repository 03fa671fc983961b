"""The pictures of lesson 11: bars, curves of a training, what a fault costs, a word's stresses."""

from collections import Counter

import numpy as np

from course_lib._arguments import as_array, not_empty
from course_lib.pictures import BLUE, HATCH, INK, ORANGE, PALE, RED, Picture, new_figure
from course_lib.pronunciation import CONSONANT, STRESSES

_FILLS = ({"color": BLUE}, {"color": PALE, "hatch": HATCH, "edgecolor": "#999999"})
_LINES = (
    {"color": BLUE, "linestyle": "-", "marker": "o"},
    {"color": ORANGE, "linestyle": "--", "marker": "s"},
)
_MARKS = {
    "log": ("accuracy in the log", {"marker": "D", "color": RED, "fillstyle": "none", "size": 9}),
    "words": (
        "words right, padded as in the training",
        {"marker": "o", "color": ORANGE, "fillstyle": "none", "size": 13},
    ),
    "words alone": ("words right, alone", {"marker": "s", "color": BLUE, "size": 8}),
}


def draw_words(words):
    """Draw how many words have how many phones, and how many phones have which label.

    Args:
        words: list of `Word`.

    Returns:
        A `Picture`.

    Raises:
        ValueError: no words.
    """
    if not words:
        raise ValueError("`words` must hold at least one word, got none")
    lengths = Counter(len(word.phones) for word in words)
    labels = Counter(STRESSES[label] for word in words for label in word.stresses)
    steps = range(min(lengths), max(lengths) + 1)
    return _draw_bars(
        {
            "Words by number of phones": (steps, {"words": [lengths[step] for step in steps]}),
            "Phones by label": (STRESSES, {"phones": [labels[name] for name in STRESSES]}),
        }
    )


def draw_right(found, words, fewest=50):
    """Draw which share of words is right, by number of phones and by pattern of stress.

    Args:
        found: dict, who marked the words → a list with an array of labels for each word. Two at
            most: the first is drawn solid, the second hatched.
        words: list of `Word`, the words that were marked.
        fewest: lengths and patterns with fewer words than this are left out.

    Returns:
        A `Picture`.

    Raises:
        ValueError: a list of labels with another length than `words`, or too few words to draw any.
    """
    for rows in found.values():
        if len(rows) != len(words):
            raise ValueError(f"`found` must mark each of {len(words)} words, got {len(rows)}")
    right = {
        who: [np.array_equal(row, word.stresses) for row, word in zip(rows, words, strict=True)]
        for who, rows in found.items()
    }
    panels = {
        "Words right, by number of phones": [len(word.phones) for word in words],
        "Words right, by stress: 1 main, 2 weaker, 0 none": [word.pattern for word in words],
    }
    return _draw_bars({t: _shares(keys, right, fewest) for t, keys in panels.items()}, percent=True)


def _shares(keys, right, fewest):
    counts = Counter(keys)
    names = sorted(key for key, count in counts.items() if count >= fewest)
    if not names:
        raise ValueError(f"`words` must hold {fewest} or more of one kind, got {len(keys)} in all")
    if isinstance(names[0], str):
        names = sorted(sorted(names, key=counts.get)[-6:], key=lambda name: (len(name), name))
    keys = np.array(keys)
    return names, {
        who: [np.mean(np.array(own)[keys == n]) for n in names] for who, own in right.items()
    }


def _draw_bars(panels, percent=False):
    """Draw a panel for each title of `panels`: `(names, {label: heights})`."""
    figure, axes = new_figure(1 + 4.3 * len(panels), 3, columns=len(panels))
    told = []
    for panel, (title, (names, heights)) in zip(np.ravel(axes), panels.items(), strict=True):
        _paint_bars(panel, names, heights, percent)
        panel.set_title(title, loc="left", fontsize=11, color=INK)
        told.append(f"{title}: {_tell_bars(names, heights, percent)}.")
    if len(heights) > 1:
        marks = np.ravel(axes)[0].get_legend_handles_labels()
        figure.legend(*marks, loc="outside lower center", ncols=2, frameon=False)
    return Picture(figure, " ".join(told))


def _paint_bars(axes, names, heights, percent):
    width = 0.8 / len(heights)
    for place, (label, values) in enumerate(heights.items()):
        at = np.arange(len(names)) + (place - (len(heights) - 1) / 2) * width
        axes.bar(at, values, width * 0.95, label=label, **_FILLS[place])
    axes.set_xticks(range(len(names)), names)
    axes.spines[["top", "right"]].set_visible(False)
    if percent:
        axes.set(ylim=(0, 1), yticks=[0, 0.5, 1], yticklabels=["0 %", "50 %", "100 %"])
    else:
        axes.yaxis.set_major_formatter(lambda count, place: f"{count:,.0f}")


def _tell_bars(names, heights, percent):
    def told(values):
        texts = (f"{v:.0%}" if percent else f"{v:,}" for v in values)
        return ", ".join(f"{name} {text}" for name, text in zip(names, texts, strict=True))

    if len(heights) == 1:
        return told(*heights.values())
    return "; ".join(f"{label}: {told(values)}" for label, values in heights.items())


def draw_curves(history, title=""):
    """Draw loss and accuracy of a training, epoch by epoch.

    Args:
        history: what `fit` returns in `.history`, with `loss` and `accuracy`, and both with `val_`.
        title: a line above the picture.

    Returns:
        A `Picture`: training solid with dots, validation dashed with squares.

    Raises:
        ValueError: one of the four is missing.
    """
    missing = {"loss", "accuracy", "val_loss", "val_accuracy"} - set(history)
    if missing:
        raise ValueError(f"`history` must have {min(missing)!r}, got {', '.join(sorted(history))}")
    figure, axes = new_figure(8.2, 2.8, columns=2)
    told = []
    for panel, name in zip(axes, ("loss", "accuracy"), strict=True):
        epochs = range(1, len(history[name]) + 1)
        keys, labels = (name, f"val_{name}"), ("training", "validation")
        for key, label, style in zip(keys, labels, _LINES, strict=True):
            panel.plot(epochs, history[key], label=label, **style)
            values = ", ".join(f"{value:.2f}" for value in history[key])
            told.append(f"{name}, {label}: {values}.")
        panel.set(xlabel="epoch", xticks=list(epochs))
        panel.set_title(name, loc="left", fontsize=11, color=INK)
        panel.spines[["top", "right"]].set_visible(False)
    axes[0].legend(frameon=False)
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=11, color=INK)
    return Picture(figure, f"{title + ': ' if title else ''}{' '.join(told)}")


def draw_costs(costs, title=""):
    """Draw for each model what its log says beside what is so, each with its spread over seeds.

    Args:
        costs: `Costs`, or a dict like it: name of a model → name of a number → shares from 0 to 1,
            one for each seed. "log", "words" and "words alone" are drawn.
        title: a line above the picture.

    Returns:
        A `Picture`: a row for each model, a mark for each number's mean, a line from its least to
        its greatest.

    Raises:
        ValueError: no models, or one without one of the three numbers.
    """
    if not costs:
        raise ValueError("`costs` must hold at least one model, got none")
    figure, axes = new_figure(8.6, 1.3 + 0.42 * len(costs))
    told = []
    for row, (name, shares) in enumerate(costs.items()):
        missing = set(_MARKS) - set(shares)
        if missing:
            raise ValueError(f"`costs` must give {min(missing)!r} for each model, not so {name!r}")
        for number, (label, style) in _MARKS.items():
            values = not_empty(as_array(shares[number], "costs", ndim=1), "costs")
            axes.plot([values.min(), values.max()], [row, row], color=style["color"], linewidth=2)
            label = label if row == 0 else None
            look = {key: value for key, value in style.items() if key != "size"}
            look |= {
                "linestyle": "",
                "markersize": style["size"],
                "markeredgewidth": 2,
                "label": label,
            }
            axes.plot(values.mean(), row, **look)
        means = ", ".join(f"{number} {np.mean(shares[number]):.0%}" for number in _MARKS)
        told.append(f"{name}: {means}.")
    axes.set_yticks(range(len(costs)), list(costs))
    axes.set(ylim=(len(costs) - 0.5, -0.5), xlim=(-0.02, 1.02), xticks=np.linspace(0, 1, 6))
    axes.xaxis.set_major_formatter(lambda share, place: f"{share:.0%}")
    axes.grid(axis="x", color="#DDDDDD")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    return Picture(figure, f"{title + ': ' if title else ''}{' '.join(told)}")


def draw_stress(phones, shares, title=""):
    """Draw a word as a row of phones, with the label that got the largest share under each.

    Args:
        phones: names of phones, `T` of them.
        shares: numbers from 0 to 1, shape `(T, 4)`: the share of each label, in the order of
            `STRESSES`.
        title: a line above the word.

    Returns:
        A `Picture`: the main stress is a tall blue box, a weaker one lower and hatched, an
        unstressed vowel lower still; consonants have no box.

    Raises:
        TypeError: `shares` are not numbers.
        ValueError: no phones, or `shares` of another shape.
    """
    shares = not_empty(as_array(shares, "shares", ndim=2), "shares")
    if shares.shape != (len(phones), len(STRESSES)):
        wanted = (len(phones), len(STRESSES))
        raise ValueError(f"`shares` must have shape {wanted}, got {shares.shape}")
    labels = shares.argmax(axis=1)
    figure, axes = new_figure(max(0.6 + 0.75 * len(phones), 3.6), 2.1)
    heights = {1: (1.0, _FILLS[0]), 2: (0.6, _FILLS[1]), 0: (0.25, {"color": "#BBBBBB"})}
    for step, (phone, label) in enumerate(zip(phones, labels, strict=True)):
        if label != CONSONANT:
            height, style = heights[int(label)]
            axes.bar(step, height, width=0.9, **style)
            axes.text(step, height + 0.04, f"{shares[step, label]:.0%}", ha="center", fontsize=9)
        weight = "bold" if label == 1 else "normal"
        axes.text(step, -0.2, phone, ha="center", fontsize=12, color=INK, weight=weight)
    axes.set(xlim=(-0.6, len(phones) - 0.4), ylim=(-0.3, 1.3), xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    told = [f"{phone} {STRESSES[label]}" for phone, label in zip(phones, labels, strict=True)]
    return Picture(figure, f"{title + ': ' if title else ''}{', '.join(told)}.")
