"""One order line from text to files: prepare, draw, build, prove, write.

It holds the order of the steps, and the cache that makes equal texts cost one rendering. Keep out: any geometry, and
where files are put (`files`).
"""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from orchestration.lettering.outlines import Outlines
from orchestration.prints.solid import naming
from orchestration.prints.solid.blueprint import Variant, plan, variants
from orchestration.prints.solid.colours import Filaments
from orchestration.prints.solid.mesh import OpenSolidError
from orchestration.prints.solid.preview import write_preview
from orchestration.prints.solid.printer import Printer
from orchestration.prints.solid.proofs import Proof, check_drawing, check_solid
from orchestration.prints.solid.refusal import Check, PrintRefusedError
from orchestration.prints.solid.request import OrderLine, parameters_digest, read
from orchestration.prints.solid.sections import Drawing, draw
from orchestration.prints.solid.stl import write_stl
from orchestration.prints.solid.strokes import Strokes
from orchestration.prints.solid.threemf import Model, write_3mf

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestration.lettering.fonts import FontLibrary
    from orchestration.prints.solid.designs import Design
    from orchestration.prints.solid.engines.engine import Engine
    from orchestration.prints.solid.layout import TextBlock
    from orchestration.prints.solid.mesh import Mesh, Size

DEFAULT_CACHE_BYTES: Final = 256 * 2**20
"""Room for about six hundred tags."""
_DECIMALS: Final = 2
_BOLDER: Final = (0.0, 0.02, 0.05)
"""By how many mm letters are grown until their solid is closed."""
Key = TypeVar("Key")
Value = TypeVar("Value")


class OutputKind(StrEnum):
    """The kinds of file a product has, by the end of their names."""

    STL = "stl"
    THREEMF = "3mf"
    PREVIEW = "png"


class Facts(NamedTuple):
    """What is known of one solid. Lengths in mm, volume in mm³."""

    size_mm: Size
    volume_mm3: float
    grams: float
    bodies: int
    triangles: int
    watertight: bool
    estimated_minutes: float


@dataclass(frozen=True)
class Solid:
    """One printable file of a product and what it was made of."""

    variant: Variant
    drawing: Drawing
    stl: bytes
    facts: Facts
    proofs: tuple[Proof, ...]


@dataclass(frozen=True)
class Geometry:
    """The shape of a product, without its colours."""

    address: str
    lines: tuple[str, ...]
    fonts: dict[str, str]
    solids: tuple[Solid, ...]
    notes: tuple[str, ...] = ()
    """What a person should look at: fonts that stepped in for the design's."""

    @property
    def weight(self) -> int:
        """About how many bytes it takes in memory."""
        drawn = sum(region.points.nbytes for region in self.solids[0].drawing.regions)
        return 2 * drawn + sum(len(solid.stl) for solid in self.solids)


@dataclass(frozen=True)
class Output:
    """One file of a product: the end of its name, such as `_35mm.stl`, and its bytes."""

    kind: OutputKind
    suffix: str
    content: bytes
    facts: Facts | None = None

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the bytes, computed once."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True)
class PrintProduct:
    """Everything an order line gives."""

    line: OrderLine
    folder: str
    base: str
    geometry: Geometry
    filaments: Filaments
    outputs: tuple[Output, ...]
    review: tuple[str, ...]
    """What a person should look at although the product is right: lines left out, a colour not on the list."""
    cached: bool
    milliseconds: float


class Renderer:
    """Makes products with one engine, one library of fonts and one printer. Not for use by two threads at once."""

    def __init__(
        self,
        engine: Engine,
        library: FontLibrary,
        *,
        printer: Printer | None = None,
        cache_bytes: int = DEFAULT_CACHE_BYTES,
    ) -> None:
        self._engine = engine
        self._library = library
        self._printer = printer or Printer()
        self._outlines = Outlines()
        self._strokes = Strokes(self._outlines)
        self._geometries = _Recent[tuple[str, tuple[str, ...]], Geometry](cache_bytes)
        self._outputs = _Recent[tuple[str, Filaments], tuple[Output, ...]](cache_bytes // 4)

    def render(self, line: OrderLine, *, task_id: int | None = None) -> PrintProduct:
        """Make the files of an order line, or take them from the cache.

        Raises:
            PrintRefusedError: the text or the product breaks a check; the message says which and what to do.
            UnsupportedSkuError: no design belongs to the SKU.
            ConfigurationError: the design's fonts are not installed.
            TransientError: the engine was stopped or took too long.

        """
        start = time.perf_counter()
        request = read(line)
        geometry, cached = self._geometry(line.sku, request.design, request.shown)
        return PrintProduct(
            line=line,
            folder=request.product.folder,
            base=naming.base_name(request.text, task_id),
            geometry=geometry,
            filaments=request.filaments,
            outputs=self._files(geometry, request.filaments),
            review=(*request.review, *geometry.notes),
            cached=cached,
            milliseconds=(time.perf_counter() - start) * 1000,
        )

    def geometry(self, sku: str, text: str) -> Geometry:
        """Make the shape of a product, or take it from the cache; raises as `render` does."""
        request = read(OrderLine(sku, text))
        return self._geometry(sku, request.design, request.shown)[0]

    def sketch(self, line: OrderLine) -> bytes:
        """Draw the picture of a product without proving anything, for one that was refused.

        Raises:
            PrintRefusedError: the text cannot even be drawn.

        """
        request = read(line)
        drawing = draw(plan(request.design, request.shown, self._library, self._outlines), self._outlines)
        return write_preview(drawing, request.filaments)

    def _geometry(self, sku: str, design: Design, lines: tuple[str, ...]) -> tuple[Geometry, bool]:
        known = self._geometries.get((sku, lines))
        if known is not None:
            return known, True
        solids = self._solids(design, lines)
        fonts = solids[0].drawing.blueprint.block.faces
        notes = _notes(design, solids[0].drawing.blueprint.block)
        geometry = Geometry(self._address(sku, design, lines, fonts), lines, fonts, solids, notes)
        self._geometries.put((sku, lines), geometry, geometry.weight)
        return geometry, False

    def _solids(self, design: Design, lines: Sequence[str]) -> tuple[Solid, ...]:
        """Build every variant, if need be a hair bolder.

        Letters whose outlines touch themselves in a point, as some of the densest do, make no closed solid.
        """
        for bolder in _BOLDER:
            lettering = design.lettering.bolder(bolder) if bolder else design.lettering
            drawn = dataclasses.replace(design, lettering=lettering)
            try:
                drawing = draw(plan(drawn, lines, self._library, self._outlines), self._outlines)
                proofs = check_drawing(drawing, self._strokes, self._printer)
                return tuple(self._solid(design, drawing, variant, proofs) for variant in variants(design))
            except OpenSolidError:
                continue
        raise PrintRefusedError(
            Check.WATERTIGHT,
            "the letters touch themselves in so many points that they make no closed solid",
            remedy="ask for a plainer spelling",
        )

    def _solid(self, design: Design, drawing: Drawing, variant: Variant, proofs: Sequence[Proof]) -> Solid:
        drawing = drawing.of_variant(variant)
        mesh = self._engine.solid(drawing)
        proven = (*proofs, *check_solid(mesh, self._printer))
        title = f"{design.name.value} {design.version}{variant.suffix}, mm"
        return Solid(variant, drawing, write_stl(mesh, title), self._facts(mesh), proven)

    def _facts(self, mesh: Mesh) -> Facts:
        estimate = self._printer.estimate(mesh)
        return Facts(
            size_mm=type(mesh.size)(*(round(side, _DECIMALS) for side in mesh.size)),
            volume_mm3=round(mesh.volume, _DECIMALS),
            grams=round(estimate.grams, _DECIMALS),
            bodies=mesh.bodies,
            triangles=len(mesh.triangles),
            watertight=mesh.watertight,
            estimated_minutes=round(estimate.minutes, 1),
        )

    def _address(self, sku: str, design: Design, lines: Sequence[str], fonts: dict[str, str]) -> str:
        return naming.content_address(
            sku=sku,
            design_version=design.version,
            parameters=parameters_digest(design, self._engine.name),
            fonts=fonts,
            lines=lines,
        )

    def _files(self, geometry: Geometry, colours: Filaments) -> tuple[Output, ...]:
        known = self._outputs.get((geometry.address, colours))
        if known is None:
            # One picture for all variants, which look alike from above.
            picture = Output(OutputKind.PREVIEW, ".png", write_preview(geometry.solids[0].drawing, colours))
            known = (*self._solid_files(geometry, colours, picture.content), picture)
            own = (output for output in known if output.kind is not OutputKind.STL)
            self._outputs.put((geometry.address, colours), known, sum(len(output.content) for output in own))
        return known

    def _solid_files(self, geometry: Geometry, colours: Filaments, picture: bytes) -> Iterator[Output]:
        for solid in geometry.solids:
            title = solid.variant.title(" / ".join(geometry.lines))
            package = write_3mf([Model(title, self._engine.parts(solid.drawing))], colours, title, picture)
            yield Output(OutputKind.STL, f"{solid.variant.suffix}.stl", solid.stl, solid.facts)
            yield Output(OutputKind.THREEMF, f"{solid.variant.suffix}.3mf", package)


def _notes(design: Design, block: TextBlock) -> tuple[str, ...]:
    """Name the fonts that drew what the design's own has no letters for, and what they drew."""
    own = {spec.label for spec in design.lettering.fonts}
    drawn: dict[str, list[str]] = {}
    for placed in block.glyphs:
        if (label := placed.glyph.face.label) not in own:
            drawn.setdefault(label, []).append(placed.glyph.text)
    return tuple(
        f"the design's font has no {''.join(dict.fromkeys(texts))!r}, which {label} drew"
        for label, texts in drawn.items()
    )


class _Recent(Generic[Key, Value]):
    """The values used last, up to a number of bytes."""

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._weight = 0
        self._values: OrderedDict[Key, tuple[Value, int]] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        if key not in self._values:
            return None
        self._values.move_to_end(key)
        return self._values[key][0]

    def put(self, key: Key, value: Value, weight: int) -> None:
        self._values[key] = value, weight
        self._weight += weight
        while self._weight > self._budget:
            _, (_, dropped) = self._values.popitem(last=False)
            self._weight -= dropped
