"""Write docs/claims.md: claims × versions of Keras, and what was seen where one does not hold."""

import ast
from collections import Counter
from itertools import groupby
from pathlib import Path

from tools.claims_report import FAILS, HOLDS, NO_SUCH_THING, NOT_RUN, claims_in_tests, order

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "claims.md"
MARKS = {HOLDS: "✓", FAILS: "✗", NO_SUCH_THING: "–", NOT_RUN: "?"}
TO_BE_WRITTEN = "What to do about it is still to be written (`tools/claims_versions.toml`)."

HEAD = """\
# Claims and versions

Each numbered sentence of a lesson is a test in `tests/claims/`. `make claims` asks every version
of Keras below for every sentence, and writes this page; edit `tools/claims_versions.toml`, not
the page. The column **{locked}** is the locked version, the one that the lessons were written with:
`make test` stays red unless every claim holds there. The other columns gate nothing.
"""

MARKS_MEAN = """\
## Every sentence under every version

| mark | meaning |
|---|---|
| ✓ | holds |
| ✗ | fails; what was seen instead stands above |
| – | no such thing in this version; the claim has no meaning there |
| ? | could not be run; the reason stands above |
"""


class Table:
    """The verdicts by claim and version.

    Args:
        outcomes: by a version's name, what `tools/claims.py` kept of its run.
        config: what stands in `claims_versions.toml`.
        claims: (number, sentence, module) of every claim.
        tests: by a claim's number, the name of its test.
    """

    def __init__(self, outcomes, config, claims, tests=()):
        self.outcomes = outcomes
        self.versions = config["version"]
        self.notes = config.get("note", [])
        self.tests = dict(tests) or {number: "" for number, *_ in claims}
        self.claims = sorted(set(claims), key=lambda claim: order(claim[0]))
        self.names = [version["name"] for version in self.versions]
        self.locked = next(v["name"] for v in self.versions if "locked" in v)
        self.coming = [v["name"] for v in self.versions if v.get("moving")]
        self.used = set()

    def entry(self, claim, name):
        """Return (verdict, what was seen) of a claim under a version."""
        number, sentence, module = claim
        outcome = self.outcomes.get(name, {"failed": "not asked yet"})
        if "failed" in outcome:
            return NOT_RUN, outcome["failed"]
        found = outcome["claims"].get(number)
        if found is None:
            return NOT_RUN, outcome["broken"].get(module, "not asked yet")
        if found["sentence"] != sentence and found.get("test") != self.tests.get(number):
            # Another wording over the same test is the same claim; another test is another one.
            return NOT_RUN, "asked with another wording"
        return found["verdict"], found["seen"]

    def differences(self):
        """Yield (version, claim) where a coming release says other things than the locked one."""
        for name in self.coming:
            for claim in [] if self.is_empty(name) else self.claims:
                if self.entry(claim, name)[0] != self.entry(claim, self.locked)[0]:
                    yield name, claim

    def note(self, number, name):
        """Return the hand-written note on a claim under a version, `{}` if there is none."""
        for place, note in enumerate(self.notes):
            if note["claim"] == number and name in note.get("versions", self.names):
                self.used.add(place)
                return note
        return {}

    def unused_notes(self):
        """Return the claims of notes on differences that are no longer there."""
        return [note["claim"] for i, note in enumerate(self.notes) if i not in self.used]

    def page(self):
        """Return the whole page."""
        parts = [HEAD.format(locked=self.locked), *self.coming_part(), *self.changed_part()]
        # The grid comes last: it has a column for each version, and most rows are ticks alone.
        parts += [*self.seen_part(), *self.versions_part(), MARKS_MEAN]
        for module, claims in groupby(self.claims, key=lambda claim: claim[2]):
            parts += self.lesson_part(module, list(claims))
        return "\n".join(parts).rstrip() + "\n"

    def coming_part(self):
        yield "## What changes with the coming release\n"
        for name in filter(self.is_empty, self.coming):
            yield f"`{name}` could not be asked; the reason stands below.\n"
        found = list(self.differences())
        for name, claim in found:
            verdict, seen = self.entry(claim, name)
            note = self.note(claim[0], name)
            yield f"- **{claim[0]}** {claim[1]} Under `{name}`: {verdict}. {told(note, seen)}"
            yield f"  *In your own code:* {note.get('fix', TO_BE_WRITTEN)}"
        if found:
            yield ""
        elif not all(map(self.is_empty, self.coming)):
            names = " and ".join(f"`{name}`" for name in self.coming)
            yield (
                f"Nothing: the columns {self.locked} and {names} agree on every claim, so there is "
                "nothing to change in your own code.\n"
            )

    def changed_part(self):
        """Yield the sentences that some version answered in another way, each with a few words."""
        yield "## Which sentences ever changed\n"
        changed = [claim for claim in self.claims if self.holds_in(claim)]
        same = len(self.claims) - len(changed)
        yield f"{same} of {len(self.claims)} sentences hold under every version that was asked.\n"
        if changed:
            yield row(["sentence", "holds"])
            yield row(["---", "---"])
            for claim in changed:
                sentence = claim[1].replace("|", "\\|")
                yield row([f"**{claim[0]}** {sentence}", self.holds_in(claim)])
            yield ""

    def holds_in(self, claim):
        """Return in words where a sentence holds, "" if it does wherever it was asked."""
        verdicts = {name: self.entry(claim, name)[0] for name in self.names}
        asked = [name for name in self.names if verdicts[name] != NOT_RUN]
        old = [v["name"] for v in self.versions if v.get("env", {}).get("CLAIMS_KERAS")]
        new = [name for name in asked if name not in old]
        true = [name for name in asked if verdicts[name] == HOLDS]
        if true == asked:
            return ""
        now = [name for name in new if name in true]
        if now == new:
            words = ["in every Keras 3"]
        elif now == new[len(new) - len(now) :]:
            words = [f"from {now[0]} on"]
        elif now == new[: len(now)]:
            words = [f"up to {now[-1]}"]
        else:
            words = [f"in {self.span(now)}"]
        words += [f"not in {name}" for name in old if name in asked and name not in true]
        if unasked := [name for name in self.names if name not in asked]:
            words.append(f"not asked in {self.span(unasked)}")
        return "; ".join(words)

    def versions_part(self):
        yield "## What was asked\n"
        yield "| column | Keras | TensorFlow | NumPy | Python | ✓ | ✗ | – | ? |"
        yield "|---|---|---|---|---|---|---|---|---|"
        for version in self.versions:
            name = version["name"]
            has = self.outcomes.get(name, {}).get("versions", {})
            package = version.get("env", {}).get("CLAIMS_KERAS", "keras")
            keras = has.get("keras-nightly") or has.get(package)
            tensorflow = has.get("tensorflow-cpu") or has.get("tensorflow")
            count = Counter(self.entry(claim, name)[0] for claim in self.claims)
            cells = [name, keras, tensorflow, has.get("numpy"), version["python"]]
            if name == self.locked:
                cells[0] += " (locked)"
            cells += [count[verdict] for verdict in MARKS]
            yield row("none" if cell is None else cell for cell in cells)
        yield ""
        for name in filter(self.is_empty, self.names):
            yield f"- {name}: {self.entry(('', '', ''), name)[1]}"
        yield ""

    def lesson_part(self, module, claims):
        lesson = claims[0][0].split(".")[0]
        yield f"### Lesson {int(lesson):02d}: {module.replace('_', ' ')}\n"
        yield row(["claim", *self.names])
        yield row(["---", *[":-:" for _ in self.names]])
        for claim in claims:
            marks = [MARKS[self.entry(claim, name)[0]] for name in self.names]
            yield row([f"**{claim[0]}** {claim[1].replace('|', chr(92) + '|')}", *marks])
        yield ""

    def seen_part(self):
        lines = []
        for claim in self.claims:
            found = [(name, *self.entry(claim, name)) for name in self.names]
            # A whole column that could not be asked is told once, above.
            found = [f for f in found if f[1] != HOLDS and not self.is_empty(f[0])]
            groups = {}
            for name, verdict, seen in found:
                text = told(self.note(claim[0], name), seen, verdict)
                groups.setdefault((verdict, text), []).append(name)
            for (verdict, text), names in groups.items():
                lines.append(f"- **{claim[0]}** {self.span(names)}: {verdict}. {text}".rstrip())
        if lines:
            yield "## What was seen instead\n"
            yield from lines
            yield ""

    def is_empty(self, name):
        return "claims" not in self.outcomes.get(name, {})

    def span(self, names):
        """Name versions in words, neighbours as a range."""
        runs = []
        for name in names:
            place = self.names.index(name)
            if runs and runs[-1][-1] == place - 1:
                runs[-1].append(place)
            else:
                runs.append([place])
        spoken = []
        for run in runs:
            ends = [self.names[run[0]], self.names[run[-1]]]
            spoken += [" to ".join(ends)] if len(run) > 2 else [self.names[i] for i in run]
        return ", ".join(spoken)


def told(note, seen, verdict=FAILS):
    """Return what to say of a difference: the hand-written sentence, else what the test saw."""
    if "text" in note or verdict == NO_SUCH_THING:
        return note.get("text", f"{seen}.")
    return f"`{seen.replace('`', chr(39))}`" if seen else ""


def row(cells):
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def test_names():
    """Return the name of each claim's test, by the claim's number."""
    found = {}
    for path in sorted((ROOT / "tests" / "claims").glob("test_*.py")):
        for function in ast.walk(ast.parse(path.read_text())):
            for decorator in getattr(function, "decorator_list", []):
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "claim":
                    found[ast.literal_eval(decorator.args[0])] = function.name
    return found


def say_differences(outcomes, config):
    """Print what the coming release answers differently."""
    table = Table(outcomes, config, claims_in_tests(), test_names())
    found = list(table.differences())
    for name, claim in found:
        verdict, seen = table.entry(claim, name)
        print(f"DIFFERENT under {name}: {claim[0]} {claim[1]} {verdict}. {seen}")
    if not found:
        print(f"no difference between {table.locked} and {', '.join(table.coming)}")


def write(outcomes, config):
    """Write the page."""
    table = Table(outcomes, config, claims_in_tests(), test_names())
    PAGE.write_text(table.page())
    for number in table.unused_notes():
        print(f"the note on claim {number} tells of a difference that is not there any more")
    print(f"written: {PAGE.relative_to(ROOT)}")
