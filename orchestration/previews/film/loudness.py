"""Loudness by ITU-R BS.1770-4, and a limiter.

Measuring and bounding samples. Keep out: what is mixed (`sound`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from orchestration.previews.film.recordings import RATE

if TYPE_CHECKING:
    from orchestration.previews.film.recordings import Samples

SILENT: Final = -70.0
"""LUFS: the absolute gate; what is quieter counts as silence."""
_RELATIVE_GATE: Final = -10.0
_OFFSET: Final = -0.691
_BLOCK_SECONDS, _OVERLAP = 0.4, 4
# The K-weighting filters at 48 kHz, tables 1 and 2 of the recommendation: shelf, then high-pass.
_SHELF: Final = (
    [1.53512485958697, -2.69169618940638, 1.19839281085285], [1.0, -1.69065929318241, 0.73248077421585],
)  # fmt: skip
_HIGH_PASS: Final = ([1.0, -2.0, 1.0], [1.0, -1.99004745483398, 0.99007225036621])
_CHUNK: Final = 10 * RATE

CEILING: Final = 10 ** (-1.5 / 20)
"""The highest sample that leaves the limiter: codecs overshoot by a decibel."""
_LIMITER_BLOCK: Final = 48
_LOOK_AHEAD: Final = 5


def loudness(samples: Samples) -> float:
    """The integrated loudness in LUFS; `SILENT` for silence. Shape (samples, 2)."""
    powers = _step_powers(samples)
    if not len(powers):
        return SILENT
    width = min(_OVERLAP, len(powers))
    blocks = np.convolve(powers, np.ones(width) / width, "valid")
    audible = blocks[blocks > _power(SILENT)]
    if not len(audible):
        return SILENT
    gate = audible.mean() * 10 ** (_RELATIVE_GATE / 10)
    return max(SILENT, _OFFSET + 10 * math.log10(float(audible[audible > gate].mean())))


def _power(level: float) -> float:
    return float(10 ** ((level - _OFFSET) / 10))


def _step_powers(samples: Samples) -> np.ndarray:
    """The mean square of the weighted samples, both channels together, for each 100 ms."""
    from scipy.signal import lfilter

    step = round(RATE * _BLOCK_SECONDS / _OVERLAP)
    states = [np.zeros((2, samples.shape[1])) for _ in range(2)]
    powers: list[float] = []
    for start in range(0, len(samples), _CHUNK):
        weighted = samples[start : start + _CHUNK].astype(np.float64)
        for index, (numerator, denominator) in enumerate((_SHELF, _HIGH_PASS)):
            weighted, states[index] = lfilter(numerator, denominator, weighted, axis=0, zi=states[index])
        squares = (weighted**2).sum(axis=1)
        whole = len(squares) // step * step
        powers += squares[:whole].reshape(-1, step).mean(axis=1).tolist()
        if not powers and len(squares):
            powers.append(float(squares.mean()))
    return np.array(powers)


def limit(samples: Samples) -> float:
    """Turn the samples down, in place, where they exceed `CEILING`; returns by how many dB at most.

    It looks ahead, so that the gain is down before the peak comes, and moves without a click.
    """
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    count = -(-len(samples) // _LIMITER_BLOCK)
    peaks = np.array(
        [np.abs(samples[n * _LIMITER_BLOCK : (n + 1) * _LIMITER_BLOCK]).max(initial=0.0) for n in range(count)]
    )
    wanted = np.minimum(1.0, CEILING / np.maximum(peaks, 1e-9))
    if not count or wanted.min() >= 1:
        return 0.0
    width = 2 * _LOOK_AHEAD + 1
    # The least gain around each block, smoothed over the same width, is nowhere above what the block needs.
    gains = uniform_filter1d(minimum_filter1d(wanted, width + 2), width)
    middles = (np.arange(count) + 0.5) * _LIMITER_BLOCK
    for start in range(0, len(samples), _CHUNK):
        part = samples[start : start + _CHUNK]
        part *= np.interp(np.arange(start, start + len(part)), middles, gains)[:, None].astype(np.float32)
    return float(-20 * np.log10(wanted.min()))
