"""The project's files agree with each other: what is wanted, locked, documented and named."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.version import Version

import course_lib
from course_lib import environment as course_environment
from tools import check_installs, check_python, check_wheel, determinism, mutants

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
KERNEL = dict(line.split("=", 1) for line in (ROOT / "kernel.env").read_text().split())
LESSONS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[0].split()
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TEXTS = [ROOT / "README.md", *ROOT.glob("CONTRIBUTING.md"), *(ROOT / "docs").glob("*.md")]
MODULES = sorted(
    path.stem
    for path in (ROOT / "course_lib").glob("*.py")
    if not path.stem.startswith(("_", "pictures"))
)


class TestPythonVersions:
    def bounds(self):
        oldest, newest = check_python.OLDEST, check_python.NEWEST
        return f">={oldest[0]}.{oldest[1]}", f"<{newest[0]}.{newest[1] + 1}"

    def test_one_lower_bound(self):
        assert PROJECT["requires-python"] == self.bounds()[0]
        ruff = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]
        assert f">=3.{ruff['target-version'].removeprefix('py3')}" == self.bounds()[0]

    def test_the_workflow_runs_the_oldest_and_the_newest(self):
        workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text())
        versions = workflow["jobs"]["test"]["strategy"]["matrix"]["python"]
        found = [tuple(map(int, version.split("."))) for version in versions]
        assert (min(found), max(found)) == (check_python.OLDEST, check_python.NEWEST)

    def test_the_check_asks_for_them(self):
        assert ",".join(self.bounds()) == course_environment.PYTHON

    def test_the_readme_names_them(self):
        oldest, newest = check_python.OLDEST, check_python.NEWEST
        named = "Python {}.{} to {}.{}".format(*oldest, *newest)
        assert named in (ROOT / "README.md").read_text()


def test_the_check_knows_the_keras_that_the_outputs_came_from():
    newest = course_environment.NEWEST_KERAS
    assert f"\nkeras=={newest}." in (ROOT / "requirements.lock").read_text()
    assert f"**{newest}** is the locked version" in (ROOT / "docs" / "claims.md").read_text()


def test_an_editable_install_brings_what_its_import_needs():
    """`dev-mode-exact` imports `editables`; pip brings it by itself, uv does not."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["tool"]["hatch"]["build"]["dev-mode-exact"]
    course = project["project"]["optional-dependencies"]["course"]
    assert any(need.startswith("editables") for need in course)


def test_the_course_brings_the_data():
    extras = PROJECT["optional-dependencies"]
    assert extras["data"]
    assert set(extras["data"]) <= set(extras["course"])


class TestCondaEnvironment:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())

    def conda(self):
        return [item for item in self.environment["dependencies"] if isinstance(item, str)]

    def pip(self):
        (found,) = [item for item in self.environment["dependencies"] if isinstance(item, dict)]
        return found["pip"]

    def test_every_spec_is_one(self):
        rattler = pytest.importorskip("rattler", reason="py-rattler is not installed")
        specs = [rattler.MatchSpec(text) for text in self.conda()]
        assert [spec.name.normalized for spec in specs] == ["python", "pip"]
        with pytest.raises(Exception, match=r"invalid|parse"):
            rattler.MatchSpec("python >=3.11,,")

    def test_python_is_the_projects(self):
        assert self.conda()[0] == "python " + ",".join(TestPythonVersions().bounds())

    def test_pip_installs_this_project_with_an_extra_that_exists(self):
        (line,) = self.pip()
        extras = re.fullmatch(r"-e \.\[(\w+)\]", line)[1]
        assert extras in PROJECT["optional-dependencies"]

    def test_the_kernel_settings_are_the_same(self):
        assert self.environment["variables"] == KERNEL

    def test_it_has_nothing_else(self):
        assert set(self.environment) == {"name", "channels", "dependencies", "variables"}


class TestBinder:
    """repo2docker takes the folder `binder` before all other files of a project."""

    environment = yaml.safe_load((ROOT / "binder" / "environment.yml").read_text())

    def test_python_is_one_that_repo2docker_reads_and_the_course_runs_on(self):
        python = self.environment["dependencies"][0]
        # repo2docker's own pattern: a range is passed over, and its default Python taken.
        found = re.fullmatch(r"python\s*=+\s*([\d.]+)", python)
        assert check_python.OLDEST <= tuple(map(int, found[1].split("."))) <= check_python.NEWEST

    def test_it_installs_what_conda_installs(self):
        conda = TestCondaEnvironment()
        ours, theirs = self.environment["dependencies"], conda.environment["dependencies"]
        assert ours[1:-1] == theirs[1:-1] == ["pip"]
        # conda runs pip in the file's folder, which is one further down here.
        assert [line.replace("..", ".") for line in ours[-1]["pip"]] == conda.pip()
        assert self.environment["channels"] == conda.environment["channels"]

    @pytest.mark.parametrize("name", ["postBuild", "start"])
    def test_a_script_can_be_run_and_names_what_exists(self, name):
        path = ROOT / "binder" / name
        assert os.access(path, os.X_OK)
        assert subprocess.run(["bash", "-n", str(path)], check=False).returncode == 0
        for named in re.findall(r"\b(?:tools/labconfig|kernel\.env)\b", path.read_text()):
            assert (ROOT / named).exists()

    def test_start_gives_every_program_the_kernel_settings(self):
        command = [str(ROOT / "binder" / "start"), "env"]
        env = {"PATH": os.environ["PATH"]}
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        found = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
        assert {name: found.get(name) for name in KERNEL} == KERNEL


class TestInstalls:
    def test_what_is_copied_is_there(self):
        assert [name for name in check_installs.COPIED if not (ROOT / name).exists()] == []

    def test_what_conda_hands_to_pip(self):
        assert check_installs.pip_part(ROOT / "environment.yml") == ["-e", ".[course]"]
        binder = ROOT / "binder" / "environment.yml"
        assert check_installs.pip_part(binder) == ["-e", "..[course]"]
        assert Path(check_installs.named_python(binder)).exists()

    def test_an_unknown_way_is_named(self):
        with pytest.raises(SystemExit, match="no such way: snap; there are make, pip, uv"):
            check_installs.main("snap")

    def test_a_way_that_fails_turns_it_red(self, monkeypatch, tmp_path, capsys):
        monkeypatch.setattr(check_installs, "BUILD", tmp_path)
        ways = {"odd": lambda way: way.run(sys.executable, "-c", "print('why'); 1 / 0")}
        monkeypatch.setattr(check_installs, "WAYS", ways)
        with pytest.raises(SystemExit, match="failed: odd"):
            check_installs.main()
        assert "ZeroDivisionError" in capsys.readouterr().out


def locked(name):
    """Return (requirement, number of hashes) for each entry of a lock file."""
    text = (ROOT / name).read_text()
    entries = re.findall(r"^(\S+==[^\\\n]+)((?: \\\n    --hash=\S+)*)$", text, re.MULTILINE)
    assert len(entries) == len(re.findall(r"^[\w.-]+ ?[=<>@]", text, re.MULTILINE))
    return [(Requirement(entry), hashes.count("--hash=sha256:")) for entry, hashes in entries]


def versions_for(requirement, **environment):
    """Return the locked versions of a package under these markers."""
    environment = default_environment() | environment
    return [
        Version(str(entry.specifier).removeprefix("=="))
        for entry, _ in locked("requirements.lock")
        if entry.name == requirement.name
        and (entry.marker is None or entry.marker.evaluate(environment))
    ]


WANTED = [
    Requirement(text)
    for group in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for text in group
]
MACHINES = {
    "Linux": {"sys_platform": "linux", "platform_machine": "x86_64", "platform_system": "Linux"},
    "Mac": {"sys_platform": "darwin", "platform_machine": "arm64", "platform_system": "Darwin"},
}


class TestLock:
    @pytest.mark.parametrize("name", ["requirements.lock", "tools/uv.lock"])
    def test_every_entry_is_exact_and_hashed(self, name):
        entries = locked(name)
        assert entries
        for entry, hashes in entries:
            assert re.fullmatch(r"==[^=*]+", str(entry.specifier)), entry
            assert hashes >= 1, f"{entry} has no hash"

    @pytest.mark.parametrize("name", ["requirements.lock", "tools/uv.lock", "package-lock.json"])
    def test_no_address(self, name):
        text = (ROOT / name).read_text()
        assert not re.findall(r"\S*(?://|index-url|find-links|@ file|\"resolved\")\S*", text)

    @pytest.mark.parametrize("machine", MACHINES)
    @pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
    def test_it_holds_what_is_wanted(self, machine, python):
        environment = MACHINES[machine] | {
            "python_version": python,
            "python_full_version": f"{python}.0",
        }
        for wanted in WANTED:
            if wanted.marker is None or wanted.marker.evaluate(environment):
                (found,) = versions_for(wanted, **environment)
                assert found in wanted.specifier, f"{wanted.name} {found} on {machine}"

    def test_the_range_of_keras_ends_before_the_next_great_one(self):
        (keras,) = [wanted for wanted in WANTED if wanted.name == "keras"]
        assert "4.0" not in keras.specifier

    def test_the_package_itself_never_pulls_a_keras(self):
        names = {Requirement(text).name for text in PROJECT["dependencies"]}
        assert names == {"numpy", "matplotlib"}
        assert not names & check_wheel.NEVER_BROUGHT

    def test_the_check_asks_for_the_package_by_its_name(self):
        assert PROJECT["name"] == course_environment.DISTRIBUTION

    def test_the_version_is_one(self):
        assert PROJECT["version"] == course_lib.__version__


needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(*arguments, **variables):
    # Not the variables of a make that runs these tests.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", "--no-print-directory", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=inherited | variables, capture_output=True, text=True, check=True
    )
    return done.stdout


class TestMakefile:
    @needs_make
    def test_make_alone_lists_each_target_in_one_line(self):
        lines = make().splitlines()
        listed = dict(re.fullmatch(r"  make (\S+) +(\S.*)", line).groups() for line in lines)
        assert sorted(listed) == sorted(TARGETS)
        assert all(len(line) < 120 for line in lines)

    def test_every_target_that_a_text_names_exists(self):
        for path in (*TEXTS, *(ROOT / "notebooks").glob("*.ipynb")):
            for target in re.findall(r"`make ([a-z.][a-z.-]*)", path.read_text()):
                assert target in TARGETS, f"{path.name} names `make {target}`"

    def test_every_tool_that_a_target_runs_exists(self):
        for path in re.findall(r"\$\(PY\) ((?:tools|bench)/\S+)", MAKEFILE):
            assert (ROOT / path).exists(), path

    @needs_make
    def test_kernels_get_the_settings_whatever_was_set(self):
        shown = make("-s", "--eval", "shown: ; @env", "shown", KERAS_BACKEND="jax")
        found = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
        assert {name: found.get(name) for name in KERNEL} == KERNEL

    def test_and_so_do_tests_without_make(self):
        assert {name: os.environ.get(name) for name in KERNEL} == KERNEL


class TestASkippedTest:
    @pytest.mark.parametrize("flags", [[], ["-p", "tests.nbval_pictures"]], ids=["unit", "nbval"])
    def test_says_why(self, tmp_path, flags):
        path = tmp_path / "test_skipped.py"
        path.write_text("import pytest\n\ndef test_it():\n    pytest.skip('no such thing here')\n")
        settings = ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path)]
        command = [sys.executable, "-m", "pytest", *settings, "-q", *flags, str(path)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "test_skipped.py:4: no such thing here" in done.stdout


class TestWorkflows:
    @pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
    def test_it_runs_what_exists(self, path):
        jobs = yaml.safe_load(path.read_text())["jobs"]
        commands = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
        assert commands
        for command in commands:
            for target in re.findall(r"\bmake ([a-z.-]+)", command):
                assert target in TARGETS
            for script in re.findall(r"^\.ci/\S+", command, re.MULTILINE):
                assert os.access(ROOT / script, os.X_OK)

    def test_the_linters_find_nothing(self):
        """check-jsonschema asks for the form, zizmor for what is risky; neither needs a network."""
        pytest.importorskip("check_jsonschema", reason="check-jsonschema is not installed")
        schema = ("-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows")
        zizmor = str(Path(sys.executable).parent / "zizmor")
        rules = str(ROOT / ".github" / "zizmor.yml")
        linters = [
            [sys.executable, *schema],
            [zizmor, "--offline", "--quiet", "--color=never", "--config", rules],
        ]
        for linter in linters:
            command = [*linter, *map(str, WORKFLOWS)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr

    def test_the_promised_systems_and_pythons_are_tested(self):
        workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text())
        matrix = workflow["jobs"]["test"]["strategy"]["matrix"]
        assert matrix["os"] == ["ubuntu-latest", "macos-latest"]
        named = {text for text in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", text)}
        assert named == {f"Programming Language :: Python :: {one}" for one in matrix["python"]}
        assert "on Linux or macOS" in (ROOT / "README.md").read_text()

    def test_a_claim_that_changes_turns_the_weekly_run_red(self, tmp_path):
        """The command of the workflow, on a page of two rows: another date is no change."""
        if shutil.which("git") is None:
            pytest.skip("git is not installed")
        workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "claims.yml").read_text())
        (command,) = [
            step["run"]
            for step in workflow["jobs"]["versions"]["steps"]
            if "git diff" in step.get("run", "")
        ]
        page = tmp_path / "docs" / "claims.md"
        page.parent.mkdir()
        page.write_text("| nightly | dev1 |\n\n\n\n| **1.1** | ✓ |\n")
        who = "-c user.name=x -c user.email=x"
        run = f"git init -q . && git add . && git {who} commit -qm x"
        subprocess.run(run, shell=True, cwd=tmp_path, check=True)
        for text, code in [("dev2", 0), ("dev1", 0), ("✗", 1)]:
            page.write_text(
                f"| nightly | {text} |\n\n\n\n| **1.1** | {'✗' if text == '✗' else '✓'} |\n"
            )
            done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True)
            assert done.returncode == code, text

    def test_ci_is_what_the_readme_says(self):
        lines = (ROOT / ".ci" / "run").read_text().splitlines()
        assert lines[-1] == "make test"

    def test_ci_installs_what_the_browser_tests_look_for(self):
        """Each program without which a test is skipped, with Debian's name for it."""
        tests = "".join(path.read_text() for path in (ROOT / "tests").glob("*.py"))
        asked = set(re.findall(r"\(Debian: apt install ([\w-]+)\)", tests))
        assert asked == {"chromium", "npm"}
        assert f"for program in {' '.join(sorted(asked))};" in (ROOT / ".ci" / "run").read_text()


def test_what_lesson_08_draws_was_measured_by_the_benchmark_as_it_is():
    stored = json.loads((ROOT / "docs" / "batching.json").read_text())
    script, name = re.fullmatch(r"python (\S+) (\w+)", stored["command"]).groups()
    assert f'"{name}"' in (ROOT / script).read_text()
    code = (ROOT / "bench" / "batching.py").read_text()
    assert f"WORDS, SIZE, ROUNDS, UNITS = {stored['words']}, {stored['size']}, " in code
    assert {"real", "loss", "short", "long", "off", "noise"} <= set(stored["ways"]["buckets"])
    assert all(stored["ways"][way]["real"] >= 0.97 for way in ("buckets", "packing"))


def test_two_licences():
    text = (ROOT / "LICENSE").read_text()
    assert PROJECT["license"] == "BSD-3-Clause"
    assert "BSD 3-Clause License" in text
    assert "CC BY 4.0" in text


def lesson_of(module):
    """Return the lesson whose name holds the module's, or `None`."""
    if module == "environment":
        return "00_start_here"
    found = [lesson for lesson in LESSONS if f"_{module}_" in f"{lesson}_"]
    assert len(found) <= 1, f"{module} stands in the names of {found}"
    return found[0] if found else None


class TestOneNameFindsTheRoom:
    @pytest.mark.parametrize("lesson", LESSONS)
    def test_a_lesson_has_a_module(self, lesson):
        assert re.fullmatch(r"\d\d(_[a-z]+)+", lesson)
        modules = [module for module in MODULES if lesson_of(module) == lesson]
        assert len(modules) == 1 or lesson.startswith("10_"), f"{lesson}: {modules}"

    @pytest.mark.parametrize("module", MODULES)
    def test_a_module_has_tests(self, module):
        assert (ROOT / "tests" / f"test_{module}.py").exists()

    @pytest.mark.parametrize("folder", ["tests/claims", "course_lib/exercises"])
    def test_claims_and_exercises_carry_the_name_too(self, folder):
        for path in (ROOT / folder).glob("*.py"):
            name = path.stem.removeprefix("test_")
            if not name.startswith("_") and name not in ("report", "support"):
                assert name in MODULES or any(lesson.endswith(name) for lesson in LESSONS), path

    def test_an_arrow_never_leads_to_a_later_lesson(self):
        arrows = all_imports(ROOT / "course_lib")
        assert {"_rows", "_audit", "pictures_embedding"} <= set(arrows)
        assert late_imports(arrows) == []

    @pytest.mark.parametrize(
        ("module", "imported", "late"),
        [
            ("padding", "loss", "padding reaches loss"),
            ("_rows", "loss", "padding reaches loss"),
            ("_arguments", "embedding", "padding reaches embedding"),
            ("pictures_embedding", "carry_over", "embedding reaches carry_over"),
            ("_audit", "lost_masks", None),
        ],
    )
    def test_a_late_arrow_is_seen_through_private_modules(self, module, imported, late):
        arrows = all_imports(ROOT / "course_lib")
        arrows[module] = arrows[module] | {imported}
        assert (late in late_imports(arrows)) if late else (late_imports(arrows) == [])

    def test_no_lesson_module_imports_exercises(self):
        for path in (ROOT / "course_lib").glob("*.py"):
            assert "exercises" not in imports(path), path.name


def all_imports(folder):
    """Return for each module or package of `course_lib` the others that it imports."""
    arrows = {path.stem: imports(path) for path in folder.glob("*.py")}
    for package in (path.parent for path in folder.glob("*/__init__.py")):
        found = [imports(path) for path in package.glob("*.py")]
        arrows[package.name] = set.union(*found) - {package.name}
    # They hold all lessons together.
    return {name: to for name, to in arrows.items() if name not in ("__init__", "exercises")}


def late_imports(arrows):
    """Return in words where a lesson's module, or its pictures, reach a later lesson's module.

    Modules without a lesson of their own, as the private ones, are looked through.
    """
    late = []
    for module in arrows:
        name = module.removeprefix("pictures_")
        reached, todo = set(), [module]
        while todo:
            new = arrows.get(todo.pop(), set()) - reached
            reached |= new
            todo += new
        late += [
            f"{name} reaches {other}"
            for other in sorted(reached & set(MODULES))
            if lesson_of(name) and lesson_of(other) and lesson_of(other) > lesson_of(name)
        ]
    return late


def imports(path):
    """Return the modules of `course_lib` that a file imports, at its top or in a function."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "course_lib":
            names = [alias.name for alias in node.names]
            found |= {course_lib._HOME.get(name, name) for name in names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("course_lib."):
            found.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            parts = [alias.name.split(".") for alias in node.names]
            found |= {part[1] for part in parts if part[0] == "course_lib" and len(part) > 1}
    return found


def test_without_git_it_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    for command, run in (
        ("determinism", determinism.prepare),
        ("mutants", lambda: mutants.copy_tree(tmp_path / "tree")),
    ):
        said = f"`make {command}` needs git, which is not installed; on Debian: apt install git."
        with pytest.raises(SystemExit, match=f"^{said}$"):
            run()


class TestReadme:
    text = (ROOT / "README.md").read_text()

    def test_the_map_names_every_lesson_with_its_minutes(self):
        lines = dict(
            re.findall(
                r"\(notebooks/(\w+)\.ipynb\).*\| (\d+)(?: \+ \d+)? \|$", self.text, re.MULTILINE
            )
        )
        assert sorted(lines) == LESSONS
        for lesson, minutes in lines.items():
            cells = json.loads((ROOT / "notebooks" / f"{lesson}.ipynb").read_text())["cells"]
            assert f"{minutes} minutes" in "".join(cells[0]["source"] + cells[1]["source"]), lesson

    @pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
    def test_no_link_leads_nowhere(self, path):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name} links {target}"


def test_the_wheel_is_tested_by_every_test_of_the_package():
    """A test that reads the project's files is named, and no other is left out."""
    names = {path.name for path in (ROOT / "tests").glob("test_*.py")}
    assert set(check_wheel.NOT_OF_THE_PACKAGE) <= names | {"test_readme_picture.py"}
    for name in names - set(check_wheel.NOT_OF_THE_PACKAGE):
        source = (ROOT / "tests" / name).read_text()
        for needed in ("from tools", '/ "tools"', '/ "notebooks"', '/ "docs"'):
            assert needed not in source, f"{name} needs more than the wheel"
        # Where there is no Keras, the file's tests are to be skipped, and not to fail.
        assert not {"keras", "tensorflow"} & imported_at_once(source), name


def imported_at_once(source):
    """Return the packages that a module imports when it is imported itself."""
    nodes = ast.parse(source).body
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.split(".")[0] for name in names}
