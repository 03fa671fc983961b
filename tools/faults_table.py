"""Write docs/faults.md: faults × the claims, tests and notebooks that noticed them."""

from pathlib import Path

from tools.claims_report import claims_in_tests, order

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "faults.md"
HEAD = """\
# Faults on purpose

Does a claim's test notice when Keras changes? `make faults` runs the claims and the notebooks
against copies of the locked Keras with one change each (`tools/faults/`), and writes this page.
A fault that no claim notices is a missing claim. A mechanism has more paths than lessons take: of
a change that touches those alone, the tests of `tests/paths` are asked instead, and named here.
With Keras unchanged, nothing turns red.

"""
UNTOUCHED = """\
## Claims that no fault reaches

Each stands on something that none of these faults changes: NumPy, `tf.data`, the shape of a
rectangle, or a part of Keras that has no fault yet.
"""


def page(faults, outcomes, claims):
    """Return the whole page.

    Args:
        faults: what stands in tools/faults/.
        outcomes: by a fault's name, what `tools/faults.py` kept of its run.
        claims: (number, sentence, module) of every claim.
    """
    by_claims = [name for name, outcome in outcomes.items() if outcome["claims"]]
    by_tests = [name for name, outcome in outcomes.items() if outcome.get("tests")]
    lines = [
        HEAD + f"Of {len(faults)} faults, {len(by_claims)} are noticed by at least one claim, and "
        f"{len(by_tests)} by a test of other paths.\n"
    ]
    lines += ["| fault | file in `keras/src` | what turns red | lessons that turn red |"]
    lines += ["|---|---|---|---|"]
    for fault in faults:
        outcome = outcomes.get(fault["name"], {})
        cells = [
            f"{fault['what']} (`{fault['name']}`)",
            f"`{fault['file']}`",
            ", ".join(noticed(outcome)) or "**nothing**",
            notebooks(outcome),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    reached = {number for outcome in outcomes.values() for number in outcome["claims"]}
    rest = sorted({c[:2] for c in claims if c[0] not in reached}, key=lambda claim: order(claim[0]))
    if rest:
        lines += ["", UNTOUCHED]
        lines += [f"- **{number}** {sentence}" for number, sentence in rest]
    return "\n".join(lines) + "\n"


def noticed(outcome):
    """Return the claims that turned red, and the tests without one."""
    return outcome.get("claims", []) + [f"`{name}`" for name in outcome.get("tests", [])]


def notebooks(outcome):
    if "notebooks" not in outcome:
        return "not asked"
    return ", ".join(name.split("_")[0] for name in outcome["notebooks"]) or "none"


def write(faults, outcomes):
    """Write the page."""
    PAGE.write_text(page(faults, outcomes, claims_in_tests()))
    print(f"written: {PAGE.relative_to(ROOT)}")
