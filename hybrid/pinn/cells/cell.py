"""Periodic cell problems and the homogenized coefficient by a network."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Unpack

import sympy

from hybrid.clock import clock
from hybrid.equation import Equation
from hybrid.pinn.cells.cellchecks import check_cell, check_counts, check_nodes, check_shape
from hybrid.pinn.cells.cellcorners import CornerEmbedding, CornerNetwork
from hybrid.pinn.cells.cellsolution import CellSolution, finish
from hybrid.pinn.cells.cellunits import cell_unit
from hybrid.pinn.cells.formulations import Collocation, Formulation, formulation_of
from hybrid.pinn.cells.jumps import KinkEmbedding, has_infinite_slopes, kink_sets
from hybrid.pinn.cells.nodal import train_nodes
from hybrid.pinn.cells.periodicities import Periodicity, periodicity_of
from hybrid.pinn.cells.slowsolution import finish_product, finish_slow
from hybrid.pinn.functions.embedding import AffineEmbedding, SideBySide, Together
from hybrid.pinn.functions.inputs import Axes, FastOnly, MediumEmbedding, of_fast
from hybrid.pinn.functions.network import Embedding, Network
from hybrid.pinn.functions.polynomial import PolynomialNetwork
from hybrid.pinn.optimizers.base import History
from hybrid.pinn.optimizers.given import check_networks
from hybrid.pinn.optimizers.training import Training, joined, of_part
from hybrid.separation import separated

__all__ = ["CellSolution", "cell_networks", "solve_cell"]


def solve_cell(
    equation: Equation,
    *,
    seed: int = 0,
    hidden: Sequence[int] = (24, 24),
    formulation: str = "strong",
    periodicity: str = "embedding",
    points: int | Sequence[int] | None = None,
    oversampling: int = 2,
    weights: Sequence[float] = (1 / 3, 1 / 3, 1 / 3),
    separate: bool = False,
    scale: float = 1.0,
    frequencies: Sequence[Sequence[int]] | None = None,
    medium: bool = False,
    singular: bool = False,
    waves: int = 0,
    slow_nodes: Sequence[int] | None = None,
    slow_points: Sequence[int] | None = None,
    networks: Sequence[Network] | None = None,
    train: bool = True,
    **training: Unpack[Training],
) -> CellSolution:
    """Train χ_1 … χ_d on -∂_i( a_ij (∂_j χ_k + δ_jk) ) = 0 in Y, χ_k periodic (paper, equations (9), (10) and (12)).

    Formulations, each a sum of squares of rows that are linear in the network:

    - "strong": the equation itself, with the derivatives of a.
    - "first-order": σ_k = a (e_k + ∇χ_k) with div σ_k = 0 by construction, the potential of σ_k being further outputs.
    - "energy": the mean of (e_k + ∇χ_k)·a(e_k + ∇χ_k), whose smallest value is a*_kk.

    The last two take no derivative of a, so a may jump. The network is then given the distances |φ| to the interfaces as
    further inputs, so that its gradient may jump there too. The energy wants more points than the others: between too
    few of them the network hides steep gradients. `CellSolution.bounds` shows it where it is known.

    Whatever the sizes of the cell and of a, the training sees numbers of order one (`hybrid.pinn.cells.cellunits`). Where a
    is g(x) times a function of y, that function is solved for, and a*(x) = g(x) b* (`hybrid.media.interpolated.separated`).

    Args:
        equation: Gives a and the period. Where a depends on x, one network of (x, y) solves the cell problems of all x.
        seed: Of the initial weights.
        hidden: Widths of the hidden layers.
        formulation: One of these; not strong only for exact periodicity and an a of y alone.
        periodicity: "embedding" (exact, by the first layer), "oversampling" (the paper's section 4.1) or "penalty" (its
            loss (12), without oversampling).
        points: Collocation points along each side of the cell, or for each direction.
        oversampling: Layers of points outside the cell, N_o in the paper.
        weights: w_1, w_2, w_3 of the equation, the periodic condition and the oversampled points.
        separate: One network for each corrector, as in the paper; trained one after the other.
        scale: Factor on the initial hidden weights.
        frequencies: Of the waves among the inputs of the network, for each direction of the cell; the first one by default.
        medium: Whether log a is an input too; where its slope is infinite, the distances to its kinks instead. Those x_i that a
            does not depend on are then no inputs.
        singular: Whether the last layer sees corner functions too, where interfaces y_i = c cross in the plane. For frozen
            features: torch differentiates the other layers then, slowly.
        waves: How many waves in x are inputs, where a depends on x.
        slow_nodes: Where a depends on x: no inputs are made of x, and the last layer is a polynomial of x with so many nodes in
            each direction, at each of which it is found by itself (`hybrid.pinn.functions.polynomial`). By the strong form.
        slow_points: Collocation points in each direction of x; about half of `points` by default.
        networks: Networks to start from; new ones by default (`cell_networks`). Copies of them are trained.
        train: Whether to train them at all.
        **training: See `hybrid.pinn.optimizers.training.train`.

    Returns:
        The correctors and a*, with the derivatives by automatic differentiation. For networks that are exactly periodic
        a*_ij is the mean over Y of (e_i + ∇χ_i)·a(e_j + ∇χ_j). For exact correctors this is the paper's a_ij + a_ik ∂_k χ_j
        (formula after (11); the text leaves a derivative out), as it is for finite elements; for a network it has the
        square of the correctors' error where the paper's formula has the error itself. The energy identity needs
        periodicity, so networks without it get the paper's formula.

    Raises:
        InputError: An argument that is not allowed, or things that do not go together; a jumps in x.
        SolverError: The training diverged, or the strong form has no finite coefficients.
    """
    check_cell(equation)
    sides, form = periodicity_of(periodicity), formulation_of(formulation)
    check_shape(hidden, scale)
    check_nodes(equation, slow_nodes, sides.exact and form.nodal and not separate)
    if equation.medium.depends_on:
        sides.check_slow()
    form.check(equation, sides)
    sides.check(points, equation.dim, oversampling, weights)
    check_counts(slow_points, equation.dim)
    start = clock()
    if networks is None:
        networks = _untrained(
            equation, sides, form, seed, hidden, separate, scale, frequencies, medium, singular, waves, slow_nodes
        )
    else:
        networks = _given(equation, networks, form, train)
        if train and hasattr(training.get("progress"), "follow"):
            training["progress"].follow(networks)  # type: ignore[union-attr]
    product = _product(equation, networks)
    base, own = equation, networks
    if product is not None:
        base, own = product[1], tuple(of_fast(network) for network in networks)
    where = Collocation(sides, points, oversampling, weights, slow_points)
    history = _trained(base, own, form, where, training) if train else History("given networks")
    if base.medium.depends_on:
        solution = finish_slow(base, own, history, exact=sides.exact)
    else:
        solution = finish(base, own, history, exact=sides.exact, flux=form.flux)
    if product is not None:
        solution = finish_product(equation, product[0], solution, networks)
    comm = training.get("comm")
    if comm is not None and comm.size > 1:  # what is decided by it is to be decided alike
        solution = replace(solution, trust=comm.bcast(solution.trust))
    return replace(solution, seconds=clock() - start)


def _trained(
    equation: Equation, networks: Sequence[Network], form: Formulation, where: Collocation, training: Training
) -> History:
    """One after the other; a last layer that is a polynomial of x at each of its nodes."""
    if isinstance(networks[0], PolynomialNetwork):
        return train_nodes(equation, networks[0], where, training)
    pairs = zip(networks, form.rows(equation, networks, where), strict=True)
    unit = cell_unit(equation)
    return joined([unit.train(network, rows, of_part(training, j)) for j, (network, rows) in enumerate(pairs)])


def _given(equation: Equation, networks: Sequence[Network], form: Formulation, train: bool) -> tuple[Network, ...]:
    """Networks that fit, and copies of them if they are to be trained."""
    dim = equation.dim
    coordinates = 2 * dim if equation.medium.depends_on else dim
    outputs = [form.outputs(dim)] if train or form.flux else None
    networks = check_networks(networks, dim, coordinates, outputs, coordinates)
    return copy.deepcopy(networks) if train else networks


def _product(equation: Equation, networks: Sequence[Network]) -> tuple[sympy.Expr, Equation] | None:
    """g and the problem with b, where a = g(x) b(y) and the networks are of y alone."""
    return separated(equation) if all(isinstance(network.embedding, FastOnly) for network in networks) else None


def _of_slow(equation: Equation, waves: int, medium: bool) -> Embedding:
    """The inputs made of x."""
    axes = [i for i, s in enumerate(equation.slow) if s in equation.medium.matrix.free_symbols]
    if not medium or len(axes) == equation.dim:
        return AffineEmbedding(equation.domain, waves)
    return Axes(AffineEmbedding([equation.domain[i] for i in axes], waves), axes)


def cell_networks(
    equation: Equation, *, seed: int = 0, hidden: Sequence[int] = (24, 24), formulation: str = "strong",
    periodicity: str = "embedding", separate: bool = False, scale: float = 1.0,
    frequencies: Sequence[Sequence[int]] | None = None, medium: bool = False, singular: bool = False, waves: int = 0,
    slow_nodes: Sequence[int] | None = None,
) -> tuple[Network, ...]:  # fmt: skip
    """The untrained networks of `solve_cell`: of y, or of x and y where a depends on x other than by a factor.

    Raises:
        InputError: An argument that is not allowed.
    """
    check_cell(equation)
    sides, form = periodicity_of(periodicity), formulation_of(formulation)
    check_shape(hidden, scale)
    check_nodes(equation, slow_nodes, sides.exact and form.nodal and not separate)
    form.check(equation, sides)
    return _untrained(
        equation, sides, form, seed, hidden, separate, scale, frequencies, medium, singular, waves, slow_nodes
    )


def _untrained(
    equation: Equation, sides: Periodicity, form: Formulation, seed: int, hidden: Sequence[int], separate: bool,
    scale: float, frequencies: Sequence[Sequence[int]] | None, medium: bool, singular: bool, waves: int,
    slow_nodes: Sequence[int] | None,
) -> tuple[Network, ...]:  # fmt: skip
    """The same, where the arguments were looked at."""
    product = separated(equation) if sides.exact else None
    base = equation if product is None else product[1]
    embedding = sides.inputs(base, frequencies)
    if slow_nodes is not None:
        return (PolynomialNetwork(base.domain, slow_nodes, embedding, hidden, base.dim, seed, scale=scale),)
    if base.medium.interfaces:
        embedding = Together(embedding, KinkEmbedding(base))
    if base.medium.depends_on:
        embedding = SideBySide(_of_slow(base, waves, medium), embedding, base.dim)
    if medium and not base.medium.interfaces:
        steep = not base.medium.depends_on and has_infinite_slopes(base)
        embedding = Together(embedding, KinkEmbedding(base, kink_sets(base)) if steep else MediumEmbedding(base))
    corners = CornerEmbedding(base) if singular and sides.exact and base.medium.interfaces else None
    own = 0 if corners is None else corners.width
    if corners is not None and own:
        embedding = Together(corners, embedding)
    if product is not None:
        embedding = FastOnly(embedding)
    made = partial(CornerNetwork, embedding, own) if own else partial(Network, embedding)
    each = form.outputs(equation.dim)
    if not separate:
        return (made(hidden, each * equation.dim, seed, scale=scale),)
    return tuple(made(hidden, each, seed + 1000 * j, scale=scale) for j in range(equation.dim))
