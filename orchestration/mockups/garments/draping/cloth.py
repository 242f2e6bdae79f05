"""Cloth that falls over a form: small steps of position-based dynamics until it rests.

Method: XPBD with small steps, one round of constraints each (Macklin et al., "Small Steps in Physics Simulation",
2019): edges keep the flat pattern's lengths, pairs of triangles resist bending by their curvature vector, vertices stay
outside the form with friction and off each other (`contact`). Keep out: where the cloth starts (`start`), the pattern.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit  # noqa: TID253  # this module is imported where cloth is draped, and nowhere else

from orchestration.mockups.garments.draping.contact import APART, Near, keep_apart, neighbours

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orchestration.mockups.garments.draping.form import Form


class Constraints(NamedTuple):
    """Edges (a, b) with rest lengths in metres; bending stencils of four vertices, with weights and stiffness."""

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


class _Limb(NamedTuple):
    """An arm as compiled code reads it: joint, length, radii at the joint and at the end, radians first and last."""

    joint: NDArray[np.float64]
    length: float
    upper: float
    lower: float
    first: float
    last: float


class _Grip(NamedTuple):
    """What a contact does: the distance in metres that cloth keeps, and the share of its way that friction takes."""

    thickness: float
    friction: float


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
    cloth = rules._replace(
        lengths=rules.lengths * fabric.ease, stiffness=np.minimum(rules.stiffness * fabric.bending, 1.0)
    )
    # A form without arms has one that is nowhere.
    arm = arm or Arm((0.0, -1e3, 0.0), 1.0, (0.0, 0.0), (0.0, 0.0))
    limb = _Limb(np.array(arm.joint), arm.length, *arm.radii, *(float(angle) for angle in np.radians(arm.degrees)))
    position = np.ascontiguousarray(start)
    near = neighbours(rules.edges, len(start))
    _fall((position, mass), (cloth, near), (form, limb), _Grip(fabric.thickness, fabric.friction), steps)
    return position


# How much stiffer a hem is, and all cloth at first, until this share of the steps.
_DOUBLED = 20.0
_STIFF_AT_FIRST = 30.0
_SOFT_FROM = 0.4
_STEP = 1 / 1100
_GRAVITY = 9.81
_FASTEST = 1.2
# The share of its speed that cloth keeps in a step: while seams close, while it falls, while it comes to rest.
_KEPT = (0.97, 0.9985, 0.994)
_CLOSED = 0.12
_RESTS_FROM = 0.7
_ROUNDS_AT_REST = 8
# In so many steps cloth comes no closer than the distance that it keeps.
_APART_EVERY = 3
# When the arms sink, as shares of all steps.
_SINKING = (0.15, 0.5)
# A contact moves cloth by no more in a step, metres.
_LARGEST_PUSH = 0.01
_NOTHING = 1e-12

Body = tuple["NDArray[np.float64]", "NDArray[np.float64]"]
Vector = tuple[float, float, float]


@njit(cache=True)
def _fall(cloth: Body, held: tuple[Constraints, Near], forms: tuple[Form, _Limb], grip: _Grip, steps: int) -> None:
    """All steps, in place. `cloth` is positions and inverse masses."""
    position, mass = cloth
    rules, near = held
    form, limb = forms
    before = position.copy()
    velocity = np.zeros_like(position)
    for step in range(steps):
        done = step / steps
        kept = _KEPT[0] if done < _CLOSED else (_KEPT[1] if done < _RESTS_FROM else _KEPT[2])
        _advance(cloth, before, velocity, _GRAVITY * min(1.0, done * 10), kept)
        # Stiff while the seams close and the arms begin to sink, so that nothing is folded over then.
        stiff = 1 + _STIFF_AT_FIRST * max(0.0, 1 - done / _SOFT_FROM)
        _stretch(position, mass, rules, False)
        _bend(position, mass, rules, stiff)
        # Falling cloth may give; at rest it has the lengths that it was cut to.
        for _ in range(_ROUNDS_AT_REST if done > _RESTS_FROM else 1):
            _stretch(position, mass, rules, True)
        if done > _CLOSED and step % _APART_EVERY == 0:
            keep_apart(position, mass, near, APART)
        _collide(cloth, before, form, grip)
        sunk = min(1.0, max(0.0, (done - _SINKING[0]) / (_SINKING[1] - _SINKING[0])))
        _collide_arms(cloth, before, limb, limb.first + (limb.last - limb.first) * sunk, grip)
        for i in range(position.shape[0]):
            for axis in range(3):
                velocity[i, axis] = (position[i, axis] - before[i, axis]) / _STEP


@njit(cache=True)
def _advance(
    cloth: Body, before: NDArray[np.float64], velocity: NDArray[np.float64], gravity: float, kept: float
) -> None:
    """Move every vertex by its velocity, and keep where it was."""
    position, mass = cloth
    for i in range(position.shape[0]):
        for axis in range(3):
            before[i, axis] = position[i, axis]
        if mass[i] == 0.0:
            continue
        velocity[i, 1] -= gravity * _STEP
        speed = (velocity[i, 0] ** 2 + velocity[i, 1] ** 2 + velocity[i, 2] ** 2) ** 0.5
        share = kept * min(1.0, _FASTEST / (speed + _NOTHING))
        for axis in range(3):
            velocity[i, axis] *= share
            position[i, axis] += velocity[i, axis] * _STEP


@njit(cache=True)
def _stretch(position: NDArray[np.float64], mass: NDArray[np.float64], rules: Constraints, backwards: bool) -> None:
    """Bring every edge to its length, one after the other."""
    count = rules.edges.shape[0]
    for number in range(count):
        j = count - 1 - number if backwards else number
        a, b = rules.edges[j, 0], rules.edges[j, 1]
        total = mass[a] + mass[b]
        if total == 0.0:
            continue
        x = position[a, 0] - position[b, 0]
        y = position[a, 1] - position[b, 1]
        z = position[a, 2] - position[b, 2]
        distance = (x * x + y * y + z * z) ** 0.5 + _NOTHING
        share = (distance - rules.lengths[j]) / distance / total
        for axis, part in enumerate((x, y, z)):
            position[a, axis] -= share * mass[a] * part
            position[b, axis] += share * mass[b] * part


@njit(cache=True)
def _bend(position: NDArray[np.float64], mass: NDArray[np.float64], rules: Constraints, factor: float) -> None:
    """Take a share of the bend out of every pair of triangles."""
    for j in range(rules.bends.shape[0]):
        total = 0.0
        for k in range(4):
            total += mass[rules.bends[j, k]] * rules.weights[j, k] ** 2
        if total < _NOTHING:
            continue
        share = min(1.0, rules.stiffness[j] * factor) / total
        for axis in range(3):
            away = 0.0
            for k in range(4):
                away += rules.weights[j, k] * position[rules.bends[j, k], axis]
            for k in range(4):
                vertex = rules.bends[j, k]
                position[vertex, axis] -= away * share * mass[vertex] * rules.weights[j, k]


@njit(cache=True)
def _distance(form: Form, x: float, y: float, z: float) -> float:
    """The form's signed distance at a point by trilinear interpolation; 1 outside of the grid."""
    grid, origin, cell = form
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
    return float(low * (1 - w) + high * w)


@njit(cache=True)
def _collide(cloth: Body, before: NDArray[np.float64], form: Form, grip: _Grip) -> None:
    """Push what is inside the form out along its gradient."""
    position, mass = cloth
    h = form.cell * 0.5
    for i in range(position.shape[0]):
        if mass[i] == 0.0:
            continue
        x, y, z = position[i, 0], position[i, 1], position[i, 2]
        distance = _distance(form, x, y, z)
        if distance >= grip.thickness:
            continue
        gx = _distance(form, x + h, y, z) - _distance(form, x - h, y, z)
        gy = _distance(form, x, y + h, z) - _distance(form, x, y - h, z)
        gz = _distance(form, x, y, z + h) - _distance(form, x, y, z - h)
        size = (gx * gx + gy * gy + gz * gz) ** 0.5 + _NOTHING
        _push_out(position[i], before[i], grip.thickness - distance, (gx / size, gy / size, gz / size), grip.friction)


@njit(cache=True)
def _collide_arms(cloth: Body, before: NDArray[np.float64], limb: _Limb, angle: float, grip: _Grip) -> None:
    """Push cloth out of both arms, which hang `angle` radians from the vertical."""
    position, mass = cloth
    ax, ay = np.sin(angle), -np.cos(angle)
    for i in range(position.shape[0]):
        side = 1.0 if position[i, 0] >= 0 else -1.0
        x = side * position[i, 0] - limb.joint[0]
        y, z = position[i, 1] - limb.joint[1], position[i, 2] - limb.joint[2]
        along = min(limb.length, max(0.0, x * ax + y * ay))
        x, y = x - along * ax, y - along * ay
        size = (x * x + y * y + z * z) ** 0.5 + _NOTHING
        distance = size - (limb.upper + (limb.lower - limb.upper) * along / limb.length)
        if distance < grip.thickness and mass[i] > 0.0:
            out = (side * x / size, y / size, z / size)
            _push_out(position[i], before[i], grip.thickness - distance, out, grip.friction)


@njit(cache=True)
def _push_out(
    point: NDArray[np.float64], before: NDArray[np.float64], depth: float, out: Vector, friction: float
) -> None:
    """Move a vertex out along the unit vector `out`; friction takes a share of its way along the surface."""
    push = min(depth, _LARGEST_PUSH)
    along = 0.0
    for axis in range(3):
        point[axis] += push * out[axis]
        along += (point[axis] - before[axis]) * out[axis]
    for axis in range(3):
        point[axis] -= friction * (point[axis] - before[axis] - along * out[axis])
