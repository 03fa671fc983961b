"""What a leak costs: two of the official examples trained with it and without; writes a page.

`make wild` runs it at its end; by itself: `python -m tools.wild.cost`. Both are trained on short
reviews padded to 30 words, and asked about new reviews twice: padded to 30, as in training, and
padded to their longest. The words, the verdict and the weights are the same both times.
"""

from functools import partial

import keras
import numpy as np

from course_lib import pad
from tools.wild import examples
from tools.wild.example_layers import PositionalEmbedding
from tools.wild.page import ROOT, table

PAGE = ROOT / "docs" / "wild" / "cost.md"
SEEDS, EPOCHS, TRAINED_ON, ASKED = range(5), 4, 1500, 1000
WIDTH = 30
GOOD, BAD, NOT, OTHERS = 3, 4, 5, range(6, 40)
HEAD = f"""\
# What a leak costs

Two official examples of Keras that let padding in (see [wild.md](../wild.md)), as published and
with the mask, trained {EPOCHS} epochs on {TRAINED_ON:,} short reviews padded to {WIDTH} words:
*good*, *bad*, *not good* or *not bad* among other words. Then {ASKED:,} new reviews are judged
twice: padded to {WIDTH} again, and padded to the longest of them. Each cell is the mean over
{len(SEEDS)} trainings, with the smallest and the largest. Written by `python -m tools.wild.cost`.

"""


def reviews(count, rng):
    """Return rows of ids, a list of lists of 2 to 10 words, and `(count,)` 1 for praise, else 0."""
    rows, praise = [], []
    for _ in range(count):
        row = rng.choice(OTHERS, size=rng.integers(1, 9)).tolist()
        good, negated = rng.integers(2, size=2)
        at = rng.integers(len(row) + 1)
        row[at:at] = [NOT] * negated + [GOOD if good else BAD]
        rows.append(row)
        praise.append(good != negated)
    return rows, np.array(praise, "int32")


# The example, and the same with a mask from its embedding and nothing else changed.
MODELS = {
    "Bidirectional LSTM on reviews": (
        examples.bidirectional_lstm,
        partial(examples.bidirectional_lstm, mask_zero=True),
    ),
    "Text classification by transformer": (
        examples.text_transformer,
        partial(examples.text_transformer, embedding=PositionalEmbedding),
    ),
}


def trained(body, seed):
    """Return the example's model, trained on reviews that are padded to 30."""
    keras.utils.set_random_seed(seed)
    rows, praise = reviews(TRAINED_ON, np.random.default_rng(seed))
    ids = keras.Input((None,), dtype="int32")
    model = keras.Model(ids, body(ids))
    one_score = model.output.shape[-1] == 1
    model.compile(
        keras.optimizers.Adam(0.01),
        keras.losses.BinaryCrossentropy(from_logits=True)
        if one_score
        else "sparse_categorical_crossentropy",
    )
    model.fit(pad(rows, WIDTH), praise, batch_size=64, epochs=EPOCHS, verbose=0)
    return model


def verdicts(model, ids):
    """Return `(B,)` of 0 and 1: what the model says of each row."""
    scores = model.predict(ids, batch_size=250, verbose=0)
    return (scores[:, 0] > 0).astype(int) if scores.shape[1] == 1 else scores.argmax(axis=1)


def cost(body, seed):
    """Return the share right padded to 30, the share right padded less, and the share changed."""
    model = trained(body, seed)
    rows, praise = reviews(ASKED, np.random.default_rng(1000 + seed))
    wide, narrow = verdicts(model, pad(rows, WIDTH)), verdicts(model, pad(rows))
    return (wide == praise).mean(), (narrow == praise).mean(), (wide != narrow).mean()


def spread(shares):
    """Return shares as text: their mean, their smallest and their largest, in per cent."""
    return f"{np.mean(shares):.0%} ({np.min(shares):.0%} to {np.max(shares):.0%})"


def main():
    """Train all of them, and write the page."""
    rows = []
    for name, bodies in MODELS.items():
        for way, body in zip(("as published", "with the mask"), bodies, strict=True):
            found = np.array([cost(body, seed) for seed in SEEDS])
            rows.append((name, way, *map(spread, found.T)))
            print(*rows[-1], sep=" | ", flush=True)
    columns = ("example", "", "right, padded to 30", "right, padded less", "another verdict")
    PAGE.write_text(
        HEAD + "\n".join(table("Verdicts on new reviews", columns, rows)).rstrip() + "\n"
    )
    print(f"written: {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
