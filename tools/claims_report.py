"""A pytest plugin that writes down, for each claim, whether it holds: `-p tools.claims_report`.

`--claims-report FILE` names the file, JSON. A claim with several tests, or one test with several
parameters, has the worst of their verdicts. Tests without a claim are named if they fail.
"""

import ast
import json
import platform
import re
from importlib import metadata
from pathlib import Path

import pytest

# Worst first.
FAILS, NOT_RUN, HOLDS, NO_SUCH_THING = "fails", "could not be run", "holds", "no such thing"
VERDICTS = (FAILS, NOT_RUN, HOLDS, NO_SUCH_THING)
PACKAGES = ("keras", "keras-nightly", "tf_keras", "tensorflow", "tensorflow-cpu", "numpy")
NO_SUCH = "no such thing: "
ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests" / "claims"


def pytest_addoption(parser):
    parser.addoption("--claims-report", metavar="FILE", help="write the verdicts on claims there")


def pytest_configure(config):
    if config.getoption("--claims-report"):
        config.pluginmanager.register(Report(config), "claims-report")


class Report:
    """Collects the verdicts of one run."""

    def __init__(self, config):
        self.path = Path(config.getoption("--claims-report"))
        self.claims = {}
        self.broken = {}
        self.red = set()

    def pytest_collectreport(self, report):
        if report.failed and report.nodeid.endswith(".py"):
            self.broken[Path(report.nodeid).stem.removeprefix("test_")] = last_line(report)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item, call):
        report = yield
        mark = item.get_closest_marker("claim")
        if mark is not None and (report.when == "call" or not report.passed):
            number, sentence = mark.args
            self.add(number, sentence, item.originalname, *verdict(report, call))
        elif mark is None and report.failed:
            self.red.add(item.name)
        return report

    def add(self, number, sentence, test, name, seen):
        new = {"sentence": sentence, "test": test, "verdict": name, "seen": seen}
        entry = self.claims.setdefault(number, new)
        if VERDICTS.index(name) < VERDICTS.index(entry["verdict"]):
            entry.update(verdict=name, seen=seen)

    def pytest_sessionfinish(self):
        found = {
            "versions": versions(),
            "claims": dict(sorted(self.claims.items(), key=lambda item: order(item[0]))),
            "broken": self.broken,
            "red": sorted(self.red),
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")


def verdict(report, call):
    """Return the verdict of one test, and what was seen instead."""
    if report.passed:
        return HOLDS, ""
    error = call.excinfo.value
    if report.skipped:
        text = str(error)
        if text.startswith(NO_SUCH):
            return NO_SUCH_THING, text.removeprefix(NO_SUCH)
        return NOT_RUN, short(text)
    if isinstance(error, (AssertionError, pytest.fail.Exception)):
        return FAILS, short(str(error))
    # Where Keras itself raises, it was asked and gave another answer. Where the test does, it
    # could not even ask: a name that is missing, say.
    asked = TESTS not in Path(call.excinfo.traceback[-1].path).parents
    return FAILS if asked else NOT_RUN, short(f"{type(error).__name__}: {error}")


def short(text, limit=150):
    """Return the gist of an assertion's text: one line, no addresses, no paths, 4 decimals."""
    text = re.sub(r"\x1b\[[0-9;]*m|\{\{.*?\}\}", "", text)
    text = re.sub(r"<(?:built-in )?(?:function|method) (\w+).*?>", r"\1", text)
    text = re.sub(r" at 0x[0-9a-f]+", "", text)
    text = re.sub(r"(/[\w.@~-]+)+/", "", text)
    text = re.sub(r"\barray\(|,\s*dtype=\w+\)|\bnp\.(?=(?:True|False)_)|\bnp\.float\d+\(", "", text)
    text = re.sub(r"-?\d+\.\d{5,}(?:e[+-]\d+)?", lambda found: f"{float(found[0]):.4f}", text)
    text = " ".join(text.replace("\\n", " ").split())
    text = re.sub(r"^assert (?:False|False_) \+ where (?:False|False_) = ", "not ", text)
    text = re.split(r" \+ (?:where|and) ", text)[0]
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def last_line(report):
    """Return the error at the end of a traceback."""
    errors = re.findall(r"^E +(\w*(?:Error|Exception).*)$", str(report.longrepr), re.MULTILINE)
    return short(errors[-1] if errors else "the tests could not be collected")


def versions():
    """Return what is installed, by package."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def order(number):
    """Sort key of a claim's number: 2.9 before 2.10."""
    return [int(part) for part in number.split(".")]


def claims_in_tests():
    """Return (number, sentence, module) for each test marked with `claim`."""
    found = []
    for path in sorted(TESTS.glob("test_*.py")):
        for function in ast.walk(ast.parse(path.read_text())):
            for decorator in getattr(function, "decorator_list", []):
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "claim":
                    number, sentence = (ast.literal_eval(value) for value in decorator.args)
                    found.append((number, sentence, path.stem.removeprefix("test_")))
    return found
