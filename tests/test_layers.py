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
