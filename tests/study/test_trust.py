"""Which numbers are called resolved, and what is said of the others."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from hybrid.study import results
from hybrid.study.record import finite
from hybrid.study.trust import Evidence, Tolerances, judge, judge_rungs, reasons
from hybrid.trust import Estimate, largest

GOOD = Evidence(
    errors={"e1": 0.0117, "e2": 0.0117, "e3": 3e-7, "e4": 0.0117, "e5": 0.004, "e3_h1": 1e-6},
    reference=Estimate(1e-6, "Richardson"),
    v=Estimate(1e-7, "half the cells"),
    w=Estimate(1e-7, "half the cells"),
    p=Estimate(2e-7, "residual"),
    r=Estimate(2e-7, "residual"),
    layers=Estimate(1e-5, "residual"),
    fem={"coefficient": Estimate(1e-12, "Richardson"), "chi_1": Estimate(1e-8, "Richardson")},
    pinn={"coefficient": Estimate(1e-9, "bounds"), "chi_1": Estimate(1e-5, "residual")},
    difference=1e-10,
    corrector_differences={"chi_1": 1e-7},
    cures={"pinn_homogenized": "do this"},
)
ALLOWED = Tolerances(1e-6, 1e-4)


def test_where_everything_is_known_everything_is_resolved() -> None:
    found = judge(GOOD, ALLOWED)
    assert reasons(found) == []
    assert found["e4"].estimate == pytest.approx(1.0117e-6 + 1e-7 + 1e-12)
    # what finite elements say of the network's corrector is less than what it says itself
    assert found["chi_1_pinn"].estimate == pytest.approx(1e-7 + 1e-8)


def test_a_network_that_is_off_makes_e1_and_e3_unresolved_and_nothing_else() -> None:
    errors = dict(GOOD.errors) | {"e1": 0.27, "e3": 0.26, "e3_h1": 0.9}
    found = judge(replace(GOOD, errors=errors, p=Estimate(0.3, "residual")), ALLOWED)
    wrong = {name for name, judgement in found.items() if not judgement.resolved}
    assert wrong == {"p", "e1", "e3", "e5"}
    (line,) = [text for text in reasons(found) if text.startswith("p:")]
    assert line.endswith("; do this")


def test_an_error_of_any_size_is_not_resolved_by_functions_that_may_be_anything() -> None:
    errors = dict(GOOD.errors) | {"e1": 1e50, "e3": 1e50, "e3_h1": 1e50, "e5": 1e80}
    found = judge(replace(GOOD, errors=errors, p=Estimate(1e23, "residual")), ALLOWED)
    assert {name for name in ("e1", "e3", "e5") if found[name].resolved} == set()


def test_a_reference_is_in_what_errors_are_divided_by() -> None:
    errors = dict(GOOD.errors) | {"e1": 5.0}
    found = judge(replace(GOOD, errors=errors, reference=Estimate(0.01, "Richardson")), ALLOWED)
    assert found["e1"].estimate == pytest.approx(0.06, rel=1e-3)


def test_estimates_that_contradict_each_other_are_not_believed() -> None:
    found = judge(replace(GOOD, difference=1e-2), ALLOWED)
    for name in ("a_fem", "a_pinn", "e1", "e4"):
        assert not found[name].resolved, name
    assert "one of these is wrong" in found["a_fem"].how
    proved = judge(replace(GOOD, difference=1e-2, proved=True), ALLOWED)
    assert proved["a_fem"].resolved
    assert proved["e4"].resolved
    assert not proved["a_pinn"].resolved
    shared = judge(replace(GOOD, errors=dict(GOOD.errors) | {"e3": 0.01}), ALLOWED)
    assert not shared["w"].resolved
    assert not shared["e4"].resolved  # v is solved as w is


def test_no_estimate_is_not_resolved_and_says_why() -> None:
    found = judge(replace(GOOD, reference=Estimate(None, "too coarse to see an order")), ALLOWED)
    assert found["e4"].estimate is None
    assert [line for line in reasons(found) if line.startswith("e4: no estimate") and "too coarse" in line]


def test_an_error_at_the_level_of_discretization_is_resolved_by_its_size() -> None:
    """A homogeneous medium: e4 is rounding, and no reference can measure that to five per cent."""
    errors = {"e1": 2e-7, "e2": 3e-10, "e3": 2e-7, "e4": 3e-10, "e5": 2e-7, "e3_h1": 1e-6}
    found = judge(replace(GOOD, errors=errors, reference=Estimate(2e-9, "Richardson")), ALLOWED)
    assert reasons(found) == []


def test_estimates_are_numbers_or_none() -> None:
    for size in (math.nan, math.inf, -1.0):
        estimate = Estimate(size, "measured")
        assert estimate.error is None
        assert "not a finite number" in estimate.how
    assert largest([Estimate(1.0, ""), Estimate(None, "none")]).how == "none"
    assert not Estimate(None, "").within(1.0)


def test_results_have_no_nan_but_null_with_its_place() -> None:
    tree, places = finite({"cell": {"errors": [1.0, math.nan]}, "a": math.inf, "text": "nan"})
    assert json.dumps(tree, allow_nan=False)
    assert tree == {"cell": {"errors": [1.0, None]}, "a": None, "text": "nan"}
    assert places == ["cell.errors[1]: nan, not a finite number", "a: inf, not a finite number"]


def test_a_network_that_says_it_is_wrong_does_not_make_finite_elements_suspect() -> None:
    """Its error is relative to itself, and so means little where it is about one."""
    hopeless = {"coefficient": Estimate(1e-9, "bounds"), "chi_1": Estimate(1.1, "residual")}
    found = judge(replace(GOOD, pinn=hopeless, corrector_differences={"chi_1": 4.3}), ALLOWED)
    assert found["chi_1_fem"].resolved
    assert not found["chi_1_pinn"].resolved
    assert found["chi_1_pinn"].estimate == pytest.approx(4.3)
    mirrored = judge(replace(GOOD, fem=hopeless, corrector_differences={"chi_1": 4.3}), ALLOWED)
    assert mirrored["chi_1_pinn"].resolved
    assert not mirrored["chi_1_fem"].resolved


def test_the_reference_is_asked_for_no_more_than_the_errors_measured_with_it() -> None:
    """e5 counts as known to the networks' tolerance, however small it is."""
    errors = dict(GOOD.errors) | {"e5": 3e-6}
    found = judge(replace(GOOD, errors=errors, reference=Estimate(4e-5, "Richardson")), ALLOWED)
    assert found["reference"].resolved
    assert found["e5"].resolved
    assert not judge(replace(GOOD, errors=errors, reference=Estimate(1e-3, "Richardson")), ALLOWED)[
        "reference"
    ].resolved


def test_the_difference_of_coefficients_is_what_it_can_change() -> None:
    exact = [[1.0, 0.0], [0.0, 1000.0]]
    assert results.effective_difference([[1.1, 0.0], [0.0, 1000.0]], exact) == pytest.approx(0.1)
    assert results.effective_difference(-0.25, -0.2) == pytest.approx(0.25)
    assert results.effective_difference(0.0, 0.0) == 0.0


def test_a_reconstruction_is_off_by_what_its_correctors_are_off_by() -> None:
    """Beyond u_0, and by its layers where it has some; nothing is known where one of these is not."""
    bad = replace(
        GOOD, pinn=dict(GOOD.pinn) | {"chi_1": Estimate(1e-2, "residual")}, corrector_differences={"chi_1": 8e-3}
    )
    rungs = {"u0": 0.01, "first": 0.004, "layers": 0.001}
    solutions = dict.fromkeys(rungs, Estimate(2e-7, "residual"))
    found = judge_rungs(bad, "pinn", rungs, solutions, Estimate(1e-3, "residual"))
    assert found["u0"] == pytest.approx(1.01e-6 + 2e-7, rel=1e-2)
    assert found["first"] == pytest.approx(0.014 * 8e-3, rel=0.02)
    assert found["layers"] == pytest.approx(0.011 * (8e-3 + 1e-3), rel=0.02)
    by_fem = judge_rungs(bad, "fem", rungs, solutions, Estimate(0.0, ""))
    assert by_fem["first"] == pytest.approx(1.2e-6 + 0.014 * 1e-6, rel=0.05)
    rungs |= {"second": 0.0005}
    solutions = dict.fromkeys(rungs, Estimate(2e-7, "residual"))
    before = judge_rungs(bad, "pinn", rungs, solutions, Estimate(1e-3, "residual"))
    after = judge_rungs(bad, "pinn", rungs, solutions, Estimate(1e-3, "residual"), Estimate(0.1, "difference"))
    assert after["layers"] == before["layers"]
    assert (after["second"] or 0) - (before["second"] or 0) == pytest.approx(
        0.1 * 0.0015
    )  # of what it changes at the most
    none = judge_rungs(bad, "pinn", rungs, solutions, Estimate(None, "no estimate"))
    assert (none["first"], none["layers"]) == (found["first"], None)
