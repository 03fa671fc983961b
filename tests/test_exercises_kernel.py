"""Checks in a real kernel, where cells run in the main thread of another process."""

from datetime import datetime

import pytest

pytest.importorskip("hypothesis", reason="checking needs Hypothesis: `make .venv` installs it")
nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
pytest.importorskip("ipykernel", reason="ipykernel is not installed")

CELLS = {
    "stub": """
import numpy as np
from course_lib import check, hint

def mask_of_front_padding(lengths, maxlen):
    ...

check("1.2", mask_of_front_padding)
""",
    "loop": """
def mask_of_front_padding(lengths, maxlen):
    while True:
        pass

check("1.2", mask_of_front_padding)
""",
    "misconception": """
def mask_of_front_padding(lengths, maxlen):
    return np.arange(maxlen) < lengths[:, None]

check("1.2", mask_of_front_padding)
""",
    "wrong": """
def mask_of_front_padding(lengths, maxlen):
    print("looking")
    return np.arange(maxlen) + 1 >= maxlen * lengths[:, None]

check("1.2", mask_of_front_padding)
""",
    "raises": """
def mask_of_front_padding(lengths, maxlen):
    return lengths.nothing

check("1.2", mask_of_front_padding)
""",
    "right": """
def mask_of_front_padding(lengths, maxlen):
    return np.arange(maxlen) >= maxlen - lengths[:, None]

check("1.2", mask_of_front_padding)
""",
    "hint": 'hint("1.2")',
    "progress": "from course_lib import progress\nprogress()",
    "explorer": "from course_lib import explore_padding\nexplore_padding()",
}


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """Run the cells in a learner's folder, with record and sliders on; return their outputs."""
    import nbformat

    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in CELLS.values()]
    folder = tmp_path_factory.mktemp("learner")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COURSE_PROGRESS")
        patch.delenv("COURSE_WIDGETS")
        client = nbclient.NotebookClient(
            notebook,
            timeout=600,
            startup_timeout=600,
            kernel_name="python3",
            resources={"metadata": {"path": folder}},
        )
        client.execute()
    # Counted from where the cell begins, since a disk may be slow.
    assert seconds_of(notebook.cells[list(CELLS).index("loop")]) < 30
    assert [path.name for path in folder.iterdir()] == [".course_progress.json"]
    return dict(zip(CELLS, (cell.outputs for cell in notebook.cells), strict=True))


def seconds_of(cell):
    """Return how long a cell has run."""
    told = cell.metadata["execution"]
    begun, ended = (
        datetime.fromisoformat(told[name])
        for name in ("iopub.execute_input", "shell.execute_reply")
    )
    return (ended - begun).total_seconds()


def text(output):
    return output["data"]["text/plain"]


def test_nothing_is_printed_and_nothing_breaks(outputs):
    kinds = {name: [output["output_type"] for output in own] for name, own in outputs.items()}
    drawn = {"wrong", "progress", "explorer"}
    assert kinds["wrong"] == ["display_data", "display_data"], "words, then a picture"
    for name in set(CELLS) - drawn:
        assert kinds[name] in (["display_data"], ["execute_result"]), name
    assert not [o for own in outputs.values() for o in own if o["output_type"] == "stream"]


def test_each_answer_gets_its_message(outputs):
    words = {
        "stub": "not attempted yet. Put your code in place of `...`",
        "loop": "did not return within 5 seconds",
        "misconception": "At which end of the row do your real steps stand?",
        "wrong": "it printed: looking",
        "raises": "in mask_of_front_padding, line 2: return lengths.nothing",
        "right": "1.2 A mask for padding in front: passed.",
        "hint": "Hint 1 of 3.",
        "progress": "1.2 solved; 1.1, 1.3, 1.4 open.",
    }
    for name, expected in words.items():
        assert expected in " ".join(text(outputs[name][0]).split("\n")), name


def test_pictures_carry_their_alt_text(outputs):
    for output in (outputs["wrong"][1], outputs["progress"][0]):
        assert output["metadata"]["image/png"]["alt"] == text(output)


def test_sliders_are_shown(outputs):
    pytest.importorskip("ipywidgets")
    (output,) = outputs["explorer"]
    assert "application/vnd.jupyter.widget-view+json" in output["data"]
