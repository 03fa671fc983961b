"""tools/backends.py: what it asks exists, and the page says what a report says."""

from pathlib import Path

from tools import backends

ROOT = Path(__file__).parent.parent
REPORT = """<testsuites><testsuite>
<testcase name="test_a" time="1"/>
<testcase name="test_b[x]"><failure message="assert 1 == 2&#10;more">trace</failure></testcase>
<testcase name="test_c"><skipped message="no tensorflow"/></testcase>
<testcase name="test_d"><error message="">broken
here</error></testcase>
</testsuite></testsuites>"""


def test_a_report_is_counted_and_its_failures_are_named(tmp_path):
    path = tmp_path / "report.xml"
    path.write_text(REPORT)
    found = backends.read_report(path)
    assert found["counts"] == {"passed": 1, "failed": 2, "skipped": 1}
    assert found["failures"] == [["test_b[x]", "assert 1 == 2"], ["test_d", "broken"]]


def test_the_tests_that_are_asked_exist():
    for tests in backends.GROUPS.values():
        assert all((ROOT / test).exists() for test in tests)


def test_the_page_tells_what_was_said_and_what_was_not_tried():
    group = {"counts": {"passed": 7, "failed": 1, "skipped": 0}, "seconds": 3}
    group["failures"] = [["test_b[x]", "assert 1 == 2"], ["test_b[y]", "assert 3 == 4"]]
    text = backends.page({"jax": {"versions": "Keras 3 on jax 1", "groups": {"claims": group}}})
    assert "| claims | 7 | 1 | 0 | 3 |" in text
    assert "- Not explained: `test_b` (2): `assert 1 == 2`" in text
    assert "Not tried yet: `make backends BACKEND=torch`." in text
    text = backends.page({"jax": {"failed": "it could not be installed (exit 1)."}})
    assert "Could not be tried: it could not be installed (exit 1)." in text


def test_a_known_failure_is_told_with_its_reason():
    (reason,) = [one for one in backends.REASONS if "test_text_vectorization" in one["tests"]]
    text = "\n".join(backends.explained("jax", {"test_text_vectorization": ["ImportError"]}))
    assert reason["text"] in text
    assert "Fails: `test_text_vectorization` (1)." in text
    assert "ImportError" not in text


def test_a_reason_is_of_tests_that_exist():
    asked = [ROOT / test for tests in backends.GROUPS.values() for test in tests]
    written = "\n".join(path.read_text() for path in asked)
    for reason in backends.REASONS:
        for test in reason["tests"]:
            assert f"def {test}(" in written, test


def test_the_stored_page_is_of_the_groups_that_are_asked():
    text = backends.PAGE.read_text()
    assert text.startswith(backends.HEAD)
    for group in backends.GROUPS:
        assert f"| {group} |" in text
