"""docs/layers.md is what the installed Keras does, and knows every layer that it has."""

import warnings

import pytest

from tools import layer_table

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def written():
    """Return the rows of the document by their layer's name."""
    lines = layer_table.PLACE.read_text(encoding="utf-8").splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("| `")]
    return {row[0].strip("`"): row for row in rows}


def test_every_public_layer_is_known():
    layer_table.check_all_known()


def test_an_unknown_layer_is_an_error():
    names = [*layer_table.public_layers(), "MaskEater"]
    with pytest.raises(LookupError, match="unknown \\['MaskEater'\\]"):
        layer_table.check_all_known(names)
    with pytest.raises(LookupError, match="gone \\['LSTM'\\]"):
        layer_table.check_all_known([n for n in layer_table.public_layers() if n != "LSTM"])


@pytest.mark.parametrize("name", sorted(layer_table.RECIPES))
def test_the_row_is_what_keras_does(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert written()[name] == layer_table.row(name)


def test_the_document_has_no_other_rows():
    assert sorted(written()) == sorted(layer_table.RECIPES)


@pytest.mark.parametrize(
    ("name", "leaks"),
    [("Conv1D", "yes"), ("GlobalMaxPooling2D", "yes"), ("GroupNormalization", "yes"),
     ("LSTM", "no"), ("LayerNormalization", "no"), ("GlobalAveragePooling1D", "no")],
)  # fmt: skip
def test_what_is_known_of_layers_stands_there(name, leaks):
    assert written()[name][3] == leaks


def test_every_word_of_the_table_is_explained_and_no_other():
    used = {verb for row in written().values() for verb in layer_table.verbs_of(row[2])}
    assert used == set(layer_table.VERBS)


def test_each_layer_stands_in_one_list_and_where_it_belongs():
    rows = list(written().values())
    listed = [names for _, names in layer_table.lists(rows).values()]
    leaks, silent, warned, safe = map(set, listed)
    assert sorted(name for names in listed for name in names) == sorted(row[0] for row in rows)
    for name, _, did, *leaking in rows:
        assert (name in leaks) == ("yes" in leaking)
        assert name in leaks or (name in warned) == (did == "drops (warned)")
        assert not (name in safe and "drops" in did)
    assert "`MultiHeadAttention`" in silent


def test_the_document_begins_with_the_lists():
    text = layer_table.PLACE.read_text(encoding="utf-8")
    said = "\n".join(layer_table.summary(list(written().values())))
    assert said in text
    assert text.index(said) < text.index("## Every layer")


def test_names_that_differ_in_their_size_are_said_once():
    names = ["`Conv1D`", "`Conv1DTranspose`", "`Conv2D`", "`Dense`", "`Pool2D`", "`Pool3D`"]
    said = layer_table.in_words(names)
    assert said == "`Conv1D` (2D), `Conv1DTranspose`, `Dense`, `Pool2D` (3D)"
