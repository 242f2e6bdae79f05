"""Order lines become products: right, or refused in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestration.prints.solid.colours import FILAMENTS
from orchestration.prints.solid.engines.native import NativeEngine
from orchestration.prints.solid.printer import Printer
from orchestration.prints.solid.refusal import Check, PrintRefusedError
from orchestration.prints.solid.renderer import OutputKind, PrintProduct, Renderer
from orchestration.prints.solid.request import OrderLine
from orchestration.prints.solid.sku import STATIC_SKUS
from orchestration_tests.prints.solid.edge_pairing import is_closed, volume

if TYPE_CHECKING:
    from orchestration.lettering.fonts import FontLibrary

DUAL_COLOUR = "PER-KEY3D-STY3-Y3D"
STYLE3 = "Y3D-NKC-002"
NEW3 = "N9-93VU-76VK"
PLATE = "Y3D-REGKEY-STL1"
CLIP = "PER-2PER-A"
SKUS = (*STATIC_SKUS, CLIP)


def _stl(product: PrintProduct) -> list[bytes]:
    return [output.content for output in product.outputs if output.kind is OutputKind.STL]


@pytest.mark.parametrize(
    ("sku", "text", "size"),
    [
        # The first two and the plate are the measures of the products that these designs replace. The third was 56.1 mm
        # long: its letters are spaced evenly now, and none grows into the next.
        (DUAL_COLOUR, "Jason", (87.3, 25.7, 4.7)),
        (DUAL_COLOUR, "Anna/Smith", (82.3, 45.8, 4.7)),
        (STYLE3, "Oweny", (62.2, 23.7, 9.0)),
        (PLATE, "AB12 CDE", (74.4, 14.8, 3.0)),
        (CLIP, "Luca", (37, 17, 10.0)),
    ],
)
def test_a_product_has_the_size_of_the_original(
    sku: str, text: str, size: tuple[float, float, float], renderer: Renderer
) -> None:
    measured = renderer.geometry(sku, text).solids[0].facts.size_mm
    assert measured.z == pytest.approx(size[2], abs=1e-3)
    assert measured[:2] == pytest.approx(size[:2], abs=2.5)


@pytest.mark.parametrize("sku", SKUS)
def test_every_file_of_a_product_is_made(sku: str, renderer: Renderer) -> None:
    product = renderer.render(OrderLine(sku, "Jason", "Blue", "White"))
    kinds = [output.kind for output in product.outputs]
    files = 2 if sku == CLIP else 1
    assert kinds.count(OutputKind.STL) == kinds.count(OutputKind.THREEMF) == files
    assert kinds.count(OutputKind.PREVIEW) == 1
    for solid, data in zip(product.geometry.solids, _stl(product), strict=True):
        assert is_closed(data)
        assert volume(data) == pytest.approx(solid.facts.volume_mm3, rel=1e-5)
        assert solid.facts.bodies == 1
        assert 0 < solid.facts.grams < 100
        assert 1 < solid.facts.estimated_minutes < 300


def test_a_cable_clip_is_two_files_and_the_thicker_cable_takes_more_plastic_away(renderer: Renderer) -> None:
    product = renderer.render(OrderLine(CLIP, "Luca"))
    assert [output.suffix for output in product.outputs] == ["_35mm.stl", "_35mm.3mf", "_40mm.stl", "_40mm.3mf", ".png"]
    thin, thick = (solid.facts for solid in product.geometry.solids)
    assert thin.size_mm == thick.size_mm
    # The originals differ by 142 mm³ over 48.1 mm; the channel's two profiles by 2.9 mm² all along.
    assert (thin.volume_mm3 - thick.volume_mm3) / thin.size_mm.x == pytest.approx(142 / 48.1, abs=0.4)


def test_colours_never_enter_the_geometry(renderer: Renderer) -> None:
    red = renderer.render(OrderLine(DUAL_COLOUR, "Millie", "Red", "White"))
    blue = renderer.render(OrderLine(DUAL_COLOUR, "Millie", "Blue", "Black"))
    assert _stl(red) == _stl(blue)
    assert red.geometry.address == blue.geometry.address
    assert [output.content for output in red.outputs[1:]] != [output.content for output in blue.outputs[1:]]


def test_equal_texts_are_rendered_once_and_other_texts_anew(library: FontLibrary) -> None:
    renderer = Renderer(NativeEngine(), library)
    first = renderer.render(OrderLine(NEW3, "Freya"))
    again = renderer.render(OrderLine(NEW3, "Freya "))
    other = renderer.render(OrderLine(NEW3, "Freyja"))
    assert (first.cached, again.cached, other.cached) == (False, True, False)
    assert again.geometry is first.geometry
    assert other.geometry.address != first.geometry.address


def test_the_cache_forgets_what_was_used_longest_ago(library: FontLibrary) -> None:
    one = Renderer(NativeEngine(), library).geometry(PLATE, "B").weight
    renderer = Renderer(NativeEngine(), library, cache_bytes=int(2.5 * one))
    cached = [renderer.render(OrderLine(PLATE, text)).cached for text in ("A", "B", "A", "Y", "A", "B")]
    assert cached == [False, False, True, False, True, False]


def test_two_renderers_make_the_same_bytes(library: FontLibrary, renderer: Renderer) -> None:
    line = OrderLine(STYLE3, "Élise", "Red", "White")
    other = Renderer(NativeEngine(), library).render(line)
    assert [output.content for output in other.outputs] == [output.content for output in renderer.render(line).outputs]


def test_composed_and_decomposed_letters_are_one_product(renderer: Renderer) -> None:
    assert renderer.geometry(DUAL_COLOUR, "Zo\u00eb").address == renderer.geometry(DUAL_COLOUR, "Zoe\u0308").address


def test_numbers_stay_text(renderer: Renderer) -> None:
    assert renderer.geometry(STYLE3, "007").lines == ("007",)
    assert renderer.geometry(STYLE3, "007").address != renderer.geometry(STYLE3, "7").address


def test_lines_without_room_are_left_out_and_put_up_for_review(renderer: Renderer) -> None:
    product = renderer.render(OrderLine(CLIP, "Luca/black/please"))
    assert product.geometry.lines == ("Luca",)
    assert product.review == (
        "left out, this design has no room for it: black",
        "left out, this design has no room for it: please",
    )


def test_an_unknown_colour_is_put_up_for_review(renderer: Renderer) -> None:
    product = renderer.render(OrderLine(PLATE, "AB12", "Peak  Green", "Moonbeam"))
    assert product.filaments.body.rgb == FILAMENTS["peak green"]
    assert product.review == ("the colour 'moonbeam' is not on the filament list",)


@pytest.mark.parametrize(
    ("sku", "text", "check", "problem"),
    [
        (NEW3, "Maximilian Alexander", Check.BED, "mm, the printer takes 220 x 220 x 250 mm"),
        (PLATE, "AB12 CDE FG34 HIJ KLMN OPQR STUV WXYZ", Check.BED, "the plate takes 57 mm"),
        (PLATE, "\u2800", Check.CHARACTERS, "U+2800 BRAILLE PATTERN BLANK"),
        (DUAL_COLOUR, "/", Check.TEXT, "the text is empty"),
    ],
)
def test_a_refusal_says_what_failed_and_what_to_do(
    sku: str, text: str, check: Check, problem: str, renderer: Renderer
) -> None:
    with pytest.raises(PrintRefusedError) as refused:
        renderer.render(OrderLine(sku, text))
    assert refused.value.check is check
    assert problem in refused.value.problem
    assert refused.value.remedy in str(refused.value)


def test_a_stroke_thinner_than_the_nozzle_is_refused_with_its_width(library: FontLibrary) -> None:
    coarse = Renderer(NativeEngine(), library, printer=Printer(nozzle=1.4))
    with pytest.raises(PrintRefusedError, match=r"a stroke of 'A' .* is 1\.\d\d mm wide, the nozzle 1\.4 mm"):
        coarse.render(OrderLine(PLATE, "AB12 CDE"))


@pytest.mark.parametrize(("sku", "text"), [(PLATE, "\u129c\u4af5"), (STYLE3, "\ub2b9\u6680\u7336\u0f52 \u5998")])
def test_letters_that_touch_themselves_are_drawn_a_hair_bolder_until_the_solid_is_closed(
    sku: str, text: str, renderer: Renderer
) -> None:
    try:
        solids = renderer.geometry(sku, text).solids
    except PrintRefusedError as refused:
        if refused.check is Check.CHARACTERS:
            pytest.skip("no installed font has these characters: apt-get install fonts-noto-core fonts-noto-cjk")
        raise
    assert all(is_closed(solid.stl) for solid in solids)


def test_a_stroke_apart_from_the_bar_is_bridged(renderer: Renderer) -> None:
    solid = renderer.geometry(CLIP, "_").solids[0]
    assert solid.facts.bodies == 1
    assert solid.drawing.blueprint.storeys[0].patches


def test_a_tag_of_several_lines_has_no_holes_between_them(renderer: Renderer) -> None:
    region = renderer.geometry(NEW3, "Anna/Smith").solids[0].drawing.regions[0]
    assert (region.areas < 0).sum() == 1  # the slot for the ring


def test_lines_that_would_touch_are_moved_apart(renderer: Renderer) -> None:
    def pitch(text: str) -> float:
        first, second = renderer.geometry(NEW3, text).solids[0].drawing.blueprint.block.lines
        return first.middle - second.middle

    assert pitch("Mia/Mia") == pytest.approx(18 * 1.5)
    assert pitch("Jgyp/\u1ea4\u00c9") > 18 * 1.5
