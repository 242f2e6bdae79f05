"""What the ink of a design looks like on a fabric: the three ways of printing.

From a design and a fabric to a layer of ink whose pixels, laid over the fabric in linear light, look as the print does.
Keep out: whether the print is any good (`verdict`), and where it lies.

* `dtg-light`: transparent inks straight onto light fabric. There is no white ink, so white prints nothing and every
  colour is darkened by the fabric's.
* `dtg-dark`: a base of white ink first. What is half transparent gets a half-tone of white beneath it and comes out
  milky, a soft black shadow grey.
* `dtf`: a film with white behind all of the design. Below a quarter of opacity nothing sticks, above it the
  fabric is covered.

Pixels on the edge between ink and none, which smoothing made, are no half-transparent ink in any of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from orchestration.mockups.fabrics import lab, to_linear, to_srgb
from orchestration.mockups.mockup_request import InkMode

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orchestration.mockups.fabrics import Colour

    Pixels = NDArray[np.uint8]
    Mask = NDArray[np.bool_]

_LIGHT_FROM, _PALE_BELOW = 80.0, 30.0
"""The least L* and the largest chroma (CIELAB) of a fabric on which transparent inks keep their hue."""
_NEARLY_OPAQUE, _NEARLY_CLEAR, _OPAQUE = 235, 20, 255
_FILM_HOLDS_FROM: Final = 64
_FULL_COVER: Final = 4.0
"""Ink that takes a quarter of the light in some channel lies on all of the cloth."""
_EDGE_REACH: Final = 5
"""Pixels across: what smoothing and scaling spread an edge over."""


def ink_mode(wish: InkMode, fabric: Colour) -> InkMode:
    """Return how a fabric is printed: as is wished, or directly and with white beneath unless it is pale."""
    if wish is not InkMode.AUTO:
        return wish
    lightness, across, along = lab(np.array([[fabric.rgb]], np.uint8))[0, 0]
    is_pale = lightness >= _LIGHT_FROM and float(np.hypot(across, along)) <= _PALE_BELOW
    return InkMode.DTG_LIGHT if is_pale else InkMode.DTG_DARK


def half_transparent(pixels: Pixels) -> Mask:
    """Tell which pixels of a design are ink in part, but not because an edge runs through them."""
    import cv2

    alpha = np.ascontiguousarray(pixels[:, :, 3])
    partial = (alpha > _NEARLY_CLEAR) & (alpha < _NEARLY_OPAQUE)
    if not partial.any():
        return partial
    reach = np.ones((_EDGE_REACH, _EDGE_REACH), np.uint8)
    # Beyond its border a design has no ink, so what ends there ends in an edge.
    on_edge = (cv2.dilate(alpha, reach) >= _NEARLY_OPAQUE) & (
        cv2.erode(alpha, reach, borderType=cv2.BORDER_CONSTANT, borderValue=0) <= _NEARLY_CLEAR
    )
    soft: Mask = partial & ~on_edge
    return soft


def printed(pixels: Pixels, fabric: Colour, mode: InkMode) -> Pixels:
    """Return the layer of ink that `mode` (not AUTO) leaves of a design: uint8, sRGB with straight alpha."""
    if mode is InkMode.DTG_LIGHT:
        return _transparent_inks(pixels, fabric)
    ink = pixels.copy()
    soft = half_transparent(pixels)
    if mode is InkMode.DTF:
        _put_on_film(ink, soft)
    else:
        _put_on_white(ink, soft, fabric)
    return ink


def _transparent_inks(pixels: Pixels, fabric: Colour) -> Pixels:
    """Multiply fabric and ink.

    Of light f the ink of a colour d with opacity a leaves f (1 - a (1 - d)). That is the fabric beneath a layer of
    opacity k and colour f (1 - a (1 - d) / k), for any k from a (1 - the least of d's channels) on. It is a for all but
    the palest inks, and falls to 0 where d is white: there is no ink at all.
    """
    light = to_linear(pixels[:, :, :3])
    cover = np.minimum(_FULL_COVER * (1 - light.min(axis=2)), 1)
    opacity = np.rint(pixels[:, :, 3] * cover)
    absorbed = (1 - light) * (pixels[:, :, 3] / np.maximum(opacity, 1))[:, :, None]
    ink = np.empty_like(pixels)
    ink[:, :, :3] = to_srgb((1 - absorbed) * to_linear(np.array(fabric.rgb, np.uint8)))
    ink[:, :, 3] = opacity
    return ink


def _put_on_white(ink: Pixels, soft: Mask, fabric: Colour) -> None:
    """Put a half-tone of white beneath half-transparent ink, with the ink's own opacity.

    Fabric f with white of opacity a is f (1 - a) + a, of which ink of colour d leaves 1 - a + a d. That is the fabric
    beneath ink of opacity a and colour d + (1 - a) (1 - d) (1 - f).
    """
    light, alpha = to_linear(ink[soft][:, :3]), ink[soft][:, 3:].astype(np.float32) / _OPAQUE
    cloth = to_linear(np.array(fabric.rgb, np.uint8))
    ink[soft, :3] = to_srgb(light + (1 - alpha) * (1 - light) * (1 - cloth))


def _put_on_film(ink: Pixels, soft: Mask) -> None:
    """Cover the fabric with white and ink, or with nothing."""
    light, alpha = to_linear(ink[soft][:, :3]), ink[soft][:, 3:].astype(np.float32) / _OPAQUE
    ink[soft, :3] = to_srgb(alpha * light + (1 - alpha))
    ink[soft, 3] = np.where(ink[soft, 3] < _FILM_HOLDS_FROM, 0, _OPAQUE)
