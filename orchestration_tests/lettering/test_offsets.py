"""Growing and shrinking: the fast way against Clipper2's."""

from __future__ import annotations

import manifold3d as m3
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.lettering.offsets import TOLERANCE, grow, segments, shrunk


@given(st.floats(0.05, 50))
def test_a_circle_is_cut_finely_enough_and_no_finer_than_needed(radius: float) -> None:
    count = segments(radius)
    sagitta = radius * (1 - np.cos(np.pi / count))
    assert sagitta <= TOLERANCE * (1 + 1e-9)
    assert count % 4 == 0


_BOX = st.tuples(st.floats(0, 40), st.floats(0, 20), st.floats(1, 12), st.floats(1, 12))


@settings(max_examples=60, deadline=None)
@given(st.lists(_BOX, min_size=1, max_size=6), st.sampled_from([0.5, 1.5, 3.66]))
def test_shrinking_a_grown_section_gives_what_clipper_gives(boxes: list[tuple[float, ...]], distance: float) -> None:
    grown = m3.CrossSection()
    for x, y, width, height in boxes:
        grown += grow(m3.CrossSection.square((width, height)).translate((x, y)), distance + 0.5)
    exact = grown.offset(-distance, m3.JoinType.Round, 2.0, segments(distance, TOLERANCE / 20))
    fast = shrunk(grown, distance)
    slack = 3 * TOLERANCE
    assert (fast - grow(exact, slack)).area() == pytest.approx(0, abs=0.01)
    assert (grow(exact, -slack) - fast).area() == pytest.approx(0, abs=0.01)
