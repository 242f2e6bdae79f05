"""Cloth that falls over a form: small steps of position-based dynamics until it rests.

Method: XPBD with small steps, one round of constraints each (Macklin et al., "Small Steps in Physics Simulation",
2019): edges keep the flat pattern's lengths, pairs of triangles resist bending by their curvature vector, vertices stay
outside the form with friction. Keep out: where the cloth starts (`start`), the pattern.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orchestration.mockups.garments.draping.form import Form


class Constraints(NamedTuple):
    """Edges (a, b) with rest lengths in metres; bending stencils of four vertices with weights and relative stiffness."""

    edges: NDArray[np.int64]
    lengths: NDArray[np.float64]
    bends: NDArray[np.int64]
    weights: NDArray[np.float64]
    stiffness: NDArray[np.float64]


class Arm(NamedTuple):
    """An arm that sinks while the cloth falls: joint (x, y, z), length and radii in metres, first and last degrees."""

    joint: tuple[float, float, float]
    length: float
    radii: tuple[float, float]
    degrees: tuple[float, float]


class Fabric(NamedTuple):
    """How the cloth behaves: ease of the edges, share of bending that one step takes away, friction, thickness in m."""

    ease: float = 1.0
    bending: float = 0.02
    friction: float = 0.25
    thickness: float = 0.0035


def constraints(
    flat: NDArray[np.float64],
    triangles: NDArray[np.int64],
    vertex_of: NDArray[np.int64],
    doubled: NDArray[np.bool_],
) -> Constraints:
    """The constraints of triangles (m, 3) of corners at `flat` mm, between the vertices of the corners.

    `doubled` (vertices,): where the cloth is folded over and sewn, which makes it stiff.

    Bending runs over seams too: its stencil is unfolded from the triangles' own edge lengths.
    """
    corner = np.concatenate([triangles[:, [k, (k + 1) % 3, (k + 2) % 3]] for k in range(3)])
    vertex = vertex_of[corner]
    key = np.sort(vertex[:, :2], axis=1)
    order = np.lexsort((key[:, 1], key[:, 0]))
    corner, vertex, key = corner[order], vertex[order], key[order]
    length = np.linalg.norm(flat[corner[:, 0]] - flat[corner[:, 1]], axis=1) / 1e3
    first = np.concatenate([[True], (key[1:] != key[:-1]).any(axis=1)])
    starts = np.nonzero(first)[0]
    lengths = np.add.reduceat(length, starts) / np.diff(np.append(starts, len(key)))
    paired = np.nonzero(~first)[0]
    bends, weights = _bending(flat / 1e3, corner, vertex, paired)
    mix = np.random.default_rng(1)
    shuffled, bent = mix.permutation(len(starts)), mix.permutation(len(bends))
    stiffness = np.where(doubled[bends].all(axis=1), _DOUBLED, 1.0)
    return Constraints(key[starts][shuffled], lengths[shuffled], bends[bent], weights[bent], stiffness[bent])


def _bending(
    flat: NDArray[np.float64], corner: NDArray[np.int64], vertex: NDArray[np.int64], paired: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Stencils (edge ends, two opposite vertices) whose weighted sum is zero where the cloth is flat."""

    def unfolded(rows: NDArray[np.int64], swap: NDArray[np.bool_]) -> NDArray[np.float64]:
        """The opposite corner in a frame where the edge runs from 0 to its length along x."""
        a, b, c = (flat[corner[rows, k]] for k in range(3))
        a, b = np.where(swap[:, None], b, a), np.where(swap[:, None], a, b)
        side = b - a
        size = np.linalg.norm(side, axis=1)
        along = ((c - a) * side).sum(axis=1) / size**2
        height = np.abs(side[:, 0] * (c - a)[:, 1] - side[:, 1] * (c - a)[:, 0]) / size
        return np.stack([along, height], axis=1)

    before = paired - 1
    swap = vertex[paired, 0] != vertex[before, 0]
    one = unfolded(before, np.zeros(len(paired), bool))
    other = unfolded(paired, swap)
    total = one[:, 1] + other[:, 1]
    share_one, share_other = other[:, 1] / total, one[:, 1] / total
    along = share_one * one[:, 0] + share_other * other[:, 0]
    weights = np.stack([along - 1, -along, share_one, share_other], axis=1)
    bends = np.stack([vertex[before, 0], vertex[before, 1], vertex[before, 2], vertex[paired, 2]], axis=1)
    return bends, weights


def settle(
    start: NDArray[np.float64],
    rules: Constraints,
    form: Form,
    fabric: Fabric,
    *,
    arm: Arm | None,
    mass: NDArray[np.float64],
    steps: int,
) -> NDArray[np.float64]:
    """Let cloth fall from `start` (n, 3) metres for `steps` small steps; vertices of inverse `mass` 0 stay."""
    position, before = start.copy(), start.copy()
    limb = np.array([*arm.joint, arm.length, *arm.radii, *np.radians(arm.degrees)] if arm else [])
    _fall(
        position, before, np.ascontiguousarray(mass), rules.edges, rules.lengths * fabric.ease, rules.bends,
        rules.weights, np.minimum(rules.stiffness * fabric.bending, 1), form.values, form.origin, form.cell, limb,
        fabric.friction, fabric.thickness, steps,
    )  # fmt: skip
    return position


# How much stiffer a hem is, and all cloth at first, until this share of the steps.
_DOUBLED = 20.0
_STIFF_AT_FIRST = 30.0
_SOFT_FROM = 0.4
_STEP = 1 / 1100
_GRAVITY = 9.81
_FASTEST = 1.2
_REST = 0.3
# When the arms sink, as shares of all steps.
_SINKING = (0.15, 0.5)


@njit(cache=True)
def _fall(  # noqa: PLR0913, PLR0917  # numba takes arrays, not objects
    position,
    before,
    mass,
    edges,
    lengths,
    bends,
    weights,
    stiffness,
    grid,
    origin,
    cell,
    limb,
    friction,
    thickness,
    steps,
):
    count = position.shape[0]
    velocity = np.zeros_like(position)
    for step in range(steps):
        # Calm at the beginning, while seams close, and at the end, so that it comes to rest.
        done = step / steps
        gravity = _GRAVITY * min(1.0, done / 0.1)
        damping = 0.97 if done < 0.12 else (0.9985 if done < 1 - _REST else 0.994)
        for i in range(count):
            for axis in range(3):
                before[i, axis] = position[i, axis]
            if mass[i] == 0.0:
                continue
            velocity[i, 1] -= gravity * _STEP
            speed = (velocity[i, 0] ** 2 + velocity[i, 1] ** 2 + velocity[i, 2] ** 2) ** 0.5
            limit = damping * min(1.0, _FASTEST / (speed + 1e-9))
            for axis in range(3):
                velocity[i, axis] *= limit
                position[i, axis] += velocity[i, axis] * _STEP
        # Stiff while the seams close and the arms begin to sink, so that nothing is folded over then.
        stiff = 1 + _STIFF_AT_FIRST * max(0.0, 1 - done / _SOFT_FROM)
        _stretch(position, mass, edges, lengths, False)
        _bend(position, mass, bends, weights, stiffness, stiff)
        _stretch(position, mass, edges, lengths, True)
        _collide(position, before, mass, grid, origin, cell, thickness, friction)
        if limb.shape[0] > 0:
            sunk = min(1.0, max(0.0, (done - _SINKING[0]) / (_SINKING[1] - _SINKING[0])))
            _collide_arms(position, before, mass, limb, limb[6] + (limb[7] - limb[6]) * sunk, thickness, friction)
        for i in range(count):
            for axis in range(3):
                velocity[i, axis] = (position[i, axis] - before[i, axis]) / _STEP


@njit(cache=True)
def _stretch(position, mass, edges, lengths, backwards):
    count = edges.shape[0]
    for number in range(count):
        j = count - 1 - number if backwards else number
        a, b = edges[j, 0], edges[j, 1]
        total = mass[a] + mass[b]
        if total == 0.0:
            continue
        x = position[a, 0] - position[b, 0]
        y = position[a, 1] - position[b, 1]
        z = position[a, 2] - position[b, 2]
        distance = (x * x + y * y + z * z) ** 0.5 + 1e-12
        share = (distance - lengths[j]) / distance / total
        for axis, part in enumerate((x, y, z)):
            position[a, axis] -= share * mass[a] * part
            position[b, axis] += share * mass[b] * part


@njit(cache=True)
def _bend(position, mass, bends, weights, stiffness, factor):
    for j in range(bends.shape[0]):
        total = 0.0
        for k in range(4):
            total += mass[bends[j, k]] * weights[j, k] ** 2
        if total < 1e-9:
            continue
        for axis in range(3):
            away = 0.0
            for k in range(4):
                away += weights[j, k] * position[bends[j, k], axis]
            away *= min(1.0, stiffness[j] * factor) / total
            for k in range(4):
                position[bends[j, k], axis] -= away * mass[bends[j, k]] * weights[j, k]


@njit(cache=True)
def _sample(grid, origin, cell, x, y, z):
    """The distance at a point by trilinear interpolation; 1 outside of the grid."""
    i, j, k = (x - origin[0]) / cell, (y - origin[1]) / cell, (z - origin[2]) / cell
    if i < 0 or j < 0 or k < 0 or i >= grid.shape[0] - 1 or j >= grid.shape[1] - 1 or k >= grid.shape[2] - 1:
        return 1.0
    a, b, c = int(i), int(j), int(k)
    u, v, w = i - a, j - b, k - c
    low = (grid[a, b, c] * (1 - u) + grid[a + 1, b, c] * u) * (1 - v) + (
        grid[a, b + 1, c] * (1 - u) + grid[a + 1, b + 1, c] * u
    ) * v
    high = (grid[a, b, c + 1] * (1 - u) + grid[a + 1, b, c + 1] * u) * (1 - v) + (
        grid[a, b + 1, c + 1] * (1 - u) + grid[a + 1, b + 1, c + 1] * u
    ) * v
    return low * (1 - w) + high * w


@njit(cache=True)
def _collide(position, before, mass, grid, origin, cell, thickness, friction):
    for i in range(position.shape[0]):
        if mass[i] == 0.0:
            continue
        x, y, z = position[i, 0], position[i, 1], position[i, 2]
        distance = _sample(grid, origin, cell, x, y, z)
        if distance >= thickness:
            continue
        h = cell * 0.5
        gx = _sample(grid, origin, cell, x + h, y, z) - _sample(grid, origin, cell, x - h, y, z)
        gy = _sample(grid, origin, cell, x, y + h, z) - _sample(grid, origin, cell, x, y - h, z)
        gz = _sample(grid, origin, cell, x, y, z + h) - _sample(grid, origin, cell, x, y, z - h)
        size = (gx * gx + gy * gy + gz * gz) ** 0.5 + 1e-12
        push = min(thickness - distance, 0.01)
        _push_out(position, before, i, push, gx / size, gy / size, gz / size, friction)


@njit(cache=True)
def _collide_arms(position, before, mass, limb, angle, thickness, friction):
    ax, ay = np.sin(angle), -np.cos(angle)
    for i in range(position.shape[0]):
        side = 1.0 if position[i, 0] >= 0 else -1.0
        x, y, z = side * position[i, 0] - limb[0], position[i, 1] - limb[1], position[i, 2] - limb[2]
        along = min(limb[3], max(0.0, x * ax + y * ay))
        x, y = x - along * ax, y - along * ay
        size = (x * x + y * y + z * z) ** 0.5 + 1e-12
        distance = size - (limb[4] + (limb[5] - limb[4]) * along / limb[3])
        if distance < thickness and mass[i] > 0.0:
            push = min(thickness - distance, 0.01)
            _push_out(position, before, i, push, side * x / size, y / size, z / size, friction)


@njit(cache=True)
def _push_out(position, before, i, push, gx, gy, gz, friction):
    """Move a vertex out along the form's normal; friction takes a share of its way along the surface."""
    position[i, 0] += push * gx
    position[i, 1] += push * gy
    position[i, 2] += push * gz
    dx, dy, dz = position[i, 0] - before[i, 0], position[i, 1] - before[i, 1], position[i, 2] - before[i, 2]
    out = dx * gx + dy * gy + dz * gz
    position[i, 0] -= friction * (dx - out * gx)
    position[i, 1] -= friction * (dy - out * gy)
    position[i, 2] -= friction * (dz - out * gz)
