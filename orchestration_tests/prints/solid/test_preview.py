"""Previews: the product in its colours, whole and in the middle."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from orchestration.prints.solid.renderer import OutputKind
from orchestration.prints.solid.request import OrderLine
from orchestration_tests.prints.solid.test_renderer import DUAL_COLOUR, SKUS

if TYPE_CHECKING:
    from orchestration.prints.solid.renderer import Renderer


def _picture(renderer: Renderer, sku: str, text: str = "Jason") -> np.ndarray:
    product = renderer.render(OrderLine(sku, text, "Red", "Blue"))
    content = next(output.content for output in product.outputs if output.kind is OutputKind.PREVIEW)
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)


@pytest.mark.parametrize("sku", SKUS)
def test_a_preview_shows_body_and_text_in_their_colours(sku: str, renderer: Renderer) -> None:
    picture = _picture(renderer, sku)
    assert picture.shape == (400, 640, 3)
    red = (picture[..., 0] > 150) & (picture[..., 2] < 90)
    blue = (picture[..., 2] > 150) & (picture[..., 0] < 90)
    assert red.mean() > 0.005
    assert blue.mean() > 0.01


@pytest.mark.parametrize("text", ["I", "Maximilian", "a/b/c"])
def test_nothing_of_the_product_is_cut_off(text: str, renderer: Renderer) -> None:
    picture = _picture(renderer, DUAL_COLOUR, text)
    rim = np.concatenate([picture[:5].reshape(-1, 3), picture[-5:].reshape(-1, 3), picture[:, :5].reshape(-1, 3)])
    assert (np.ptp(rim, axis=1) < 12).all()  # the backdrop is grey, the product is not


@pytest.mark.parametrize("text", ["I", "Personalisation", "Maximiliana Alexandra"])
def test_the_shadow_fades_out_whatever_the_length(text: str, renderer: Renderer) -> None:
    picture = _picture(renderer, DUAL_COLOUR, text)
    backdrop = picture[:, :1]
    darker = (backdrop - picture).max(axis=2)
    shaded = np.argwhere(darker > 0)
    # It falls to the right and to the front; on the other sides the product itself is the last to be seen.
    bottom, right = shaded.max(axis=0)
    assert max(darker[bottom, :].max(), darker[:, right].max()) <= 3
