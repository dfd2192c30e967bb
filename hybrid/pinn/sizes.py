"""What networks choose by the dimension: points, grids, and how large they become; what presets choose is theirs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Ladder:
    """The larger networks that are tried for cell problems, the cheapest first.

    Attributes:
        frozen_first: Whether frozen features come before larger trained networks, as trainings take long.
        strong: Widths of frozen features and points in all, by the equation itself, where a has no kinks.
        smooth: Widths of frozen features.
        smooth_trained: Widths and steps of trained ones.
        nodal: Widths of frozen features, where a depends on x and the last layer is a polynomial of it.
        nodal_trained: Widths and steps of trained ones.
        slow: Widths of frozen features, where a depends on x.
        slow_trained: Widths and steps of trained ones.
        slow_least: Points in each direction of y, at the least.
        jumps: Widths and points of frozen features, where a jumps.
        jumps_trained: Widths, points and steps of trained ones.
        source: Widths of frozen features, where the load is a source.
        source_jumps: Points along each side, where that jumps.
    """

    frozen_first: bool
    strong: tuple[tuple[int, int], ...]
    smooth: tuple[int, ...]
    smooth_trained: tuple[tuple[int, int], ...]
    nodal: tuple[int, ...]
    nodal_trained: tuple[tuple[int, int], ...]
    slow: tuple[int, ...]
    slow_trained: tuple[tuple[int, int], ...]
    slow_least: int
    jumps: tuple[tuple[int, int], ...]
    jumps_trained: tuple[tuple[int, int, int], ...]
    source: tuple[int, ...]
    source_jumps: int


@dataclass(frozen=True)
class Beyond:
    """Of what is beyond the first order, from the plane on.

    Attributes:
        layer: Features, and points into the strip and along the face; the cheapest first.
        ends: What is left of the slowest part of a layer where the points end.
        second: Features, and points along each side of the cell.
    """

    layer: tuple[tuple[int, int, int], ...]
    ends: float
    second: tuple[int, int]


@dataclass(frozen=True)
class Cells:
    """Of cell problems; points are those along each side of the cell.

    Attributes:
        points: Of the collocation, where none are asked for and the network is periodic by itself.
        open_points: The same where periodicity is a part of the loss.
        form_points: The same for the forms without a derivative of a.
        slow_points: The same where a depends on x.
        means: Of the quadrature behind a*, χ and the estimates.
        slow_means: Of that at each node of a*(x).
        slow_bounds: Of the estimates at each x.
        slow_bounds_most: All of them, at the most.
        most: All points of a grid of the cell, at the most.
        least: To which directions with nothing to resolve are made coarser, where that is too many.
        cut: Times the points of the quadrature, where a source jumps on planes.
        curved: The same where it jumps on curves.
        kinks: At which the distances to interfaces are scaled.
        medium: Seeded points at which log a is.
        fit: For the fluxes that are fitted, and features at the most.
        curved_fit: Times as many, where a jumps on curves.
        nodes: Chebyshev nodes of a*(x) in each slow direction, where they suffice.
        nodes_along: At the most, in one direction where they do not.
        nodes_most: In all directions together.
        probes: Of x, half of those at which estimates are made.
        ladder: The larger networks.
        beyond: Of what is beyond the first order.
    """

    points: int
    open_points: int
    form_points: int
    slow_points: int
    means: int
    slow_means: int
    slow_bounds: int
    slow_bounds_most: int
    most: int
    least: int
    cut: int
    curved: int
    kinks: int
    medium: int
    fit: tuple[int, int]
    curved_fit: int
    nodes: int
    nodes_along: int
    nodes_most: int
    probes: int
    ladder: Ladder
    beyond: Beyond


CELLS = {
    1: Cells(
        points=128, open_points=101, form_points=128, slow_points=48,
        means=512, slow_means=256, slow_bounds=256, slow_bounds_most=2**12, most=2**14, least=64, cut=1, curved=1,
        kinks=4096, medium=128, fit=(400, 600), curved_fit=2,
        nodes=33, nodes_along=401, nodes_most=513, probes=8,
        ladder=Ladder(
            frozen_first=False, strong=(),
            smooth=(200, 400, 800), smooth_trained=((100, 20), (200, 10)),
            nodal=(), nodal_trained=(), slow=(400, 800, 1200), slow_trained=((100, 15), (200, 10)), slow_least=24,
            jumps=((400, 800),), jumps_trained=((100, 800, 8),),
            source=(200, 400, 800), source_jumps=200,
        ),
        beyond=Beyond(layer=(), ends=1.0, second=(0, 0)),  # an integral, and no layers
    ),
    2: Cells(
        points=32, open_points=41, form_points=40, slow_points=10,
        means=128, slow_means=32, slow_bounds=64, slow_bounds_most=2**14, most=2**17, least=32, cut=2, curved=4,
        kinks=256, medium=400, fit=(64, 800), curved_fit=2,
        nodes=7, nodes_along=65, nodes_most=400, probes=6,
        ladder=Ladder(
            frozen_first=True, strong=(),
            smooth=(400, 800, 1200, 1600), smooth_trained=((150, 12), (250, 6), (400, 3)),
            nodal=(400, 800, 1200), nodal_trained=((150, 12), (250, 6)),
            slow=(1500, 2500), slow_trained=((200, 8), (300, 6)), slow_least=12,
            jumps=((500, 72), (800, 90)), jumps_trained=((300, 72, 2), (400, 80, 1)),
            source=(800, 1500, 2500), source_jumps=48,
        ),
        beyond=Beyond(layer=((500, 40, 22), (900, 56, 28)), ends=1e-6, second=(600, 34)),
    ),
    3: Cells(
        points=14, open_points=15, form_points=14, slow_points=5,
        means=30, slow_means=12, slow_bounds=16, slow_bounds_most=2**14, most=2**18, least=24, cut=1, curved=2,
        kinks=32, medium=1000, fit=(16, 200), curved_fit=1,
        nodes=4, nodes_along=65, nodes_most=512, probes=4,
        ladder=Ladder(
            frozen_first=True, strong=((3000, 5000),),
            smooth=(500, 800), smooth_trained=((200, 4),),
            nodal=(800,), nodal_trained=(), slow=(2000,), slow_trained=((200, 4),), slow_least=6,
            jumps=((300, 16), (500, 18)), jumps_trained=((100, 14, 2),),
            source=(1500, 3000), source_jumps=16,
        ),
        beyond=Beyond(layer=((1600, 16, 13),), ends=1e-4, second=(900, 12)),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Boxes:
    """Of equations on Ω; points are those along each side.

    Attributes:
        points: Of the collocation, where none are asked for.
        estimate: Cells of the estimate's grid: the fewest, and the most.
        spectrum: Points at which it is measured what f and a* oscillate with.
        separable: Points for each function of a coordinate.
        waves: Points where waves are inputs: a + b times the fastest, and the fewest.
        estimate_steps: Steps in time of the estimate for one network of space and time.
        frozen: In time, frozen features: the fewest, the most, and how many for each unit of the band.
        trained: The same for trained ones.
        reach: The scale that n features reach is n^(1/d) over this.
        frozen_points: So many points in all for each frozen feature, and more along each side.
        trained_points: So many for each trained one.
    """

    points: int
    estimate: tuple[int, int]
    spectrum: int
    separable: float
    waves: tuple[int, float, int]
    estimate_steps: int
    frozen: tuple[float, float, float]
    trained: tuple[float, float, float]
    reach: int
    frozen_points: tuple[float, int]
    trained_points: float


BOXES = {
    1: Boxes(
        points=256, estimate=(1024, 16384), spectrum=8192, separable=2.0, waves=(256, 3, 0), estimate_steps=16,
        frozen=(200, 900, 2.5), trained=(100, 400, 1.5), reach=20, frozen_points=(2, 50), trained_points=3,
    ),
    2: Boxes(
        points=40, estimate=(96, 512), spectrum=512, separable=1.8, waves=(0, 2, 44), estimate_steps=8,
        frozen=(400, 900, 10.0), trained=(150, 300, 4.0), reach=12, frozen_points=(2.2, 0), trained_points=4,
    ),
    3: Boxes(
        points=12, estimate=(36, 80), spectrum=80, separable=1.5, waves=(12, 1.2, 0), estimate_steps=4,
        frozen=(400, 900, 30.0), trained=(150, 300, 10.0), reach=6, frozen_points=(2.6, 0), trained_points=5,
    ),
}  # fmt: skip
