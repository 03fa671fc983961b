"""Every broken model is found, with the right layer named; no fixed twin is accused."""

import warnings

import pytest

from course_lib import audit
from tests.audit_fixes import PAIRS
from tests.needs import keras

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def made(make):
    keras.utils.set_random_seed(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make()


def test_there_are_enough_pairs_and_each_has_a_name_of_its_own():
    assert len(PAIRS) >= 25
    assert len({pair.name for pair in PAIRS}) == len(PAIRS)
    assert {f"silent fault {number}" for number in range(1, 6)} <= {pair.source for pair in PAIRS}


@pytest.mark.parametrize("pair", PAIRS, ids=[pair.name for pair in PAIRS])
def test_the_broken_one_is_found_where_it_is_broken(pair):
    case = made(pair.broken)
    report = audit(case.model, case.x, case.y, **case.options)
    assert not report.ok
    worst = report.findings[0]
    assert (worst.kind, pair.layer in worst.layer) == (pair.kind, True), report
    # One fault, one finding.
    assert len(report.findings) == 1, report


@pytest.mark.parametrize("pair", PAIRS, ids=[pair.name for pair in PAIRS])
def test_the_fixed_one_is_not_accused(pair):
    case = made(pair.fixed)
    report = audit(case.model, case.x, case.y, **case.options)
    assert report.ok, report
