"""Large feeds, made quickly, and a server for them in a process of its own.

Feeds whose only point is their size. Keep out: the oddities of real feeds (`orchestration/demo`), and
what is measured. The two feeds of the benchmarks:

    write_bulk_feed(root, base_url=url, suppliers=6, families=600, children=4, document_bytes=345_000,
                    images_per_family=2000 / 600)                       207 MB of JSON, 2,000 images of 160 kB
    write_bulk_feed(root, base_url=url, suppliers=25, families=25_000, children=2.64)       66,000 variants
"""

from __future__ import annotations

import hashlib
import io
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import msgspec
import typer
from PIL import Image

from orchestration.demo import documents, kinds, palette, wire
from orchestration.demo.assortment import Colour, ProductLine, Supplier, Texts
from orchestration.demo.drawing.bags import Backpack
from orchestration.demo.drawing.drinkware import Bottle, Mug
from orchestration.demo.imprints import positions
from orchestration.demo.lines_a23 import A23
from orchestration.demo.pictures import Scene, Shot, View, take
from orchestration.demo.server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

IMPORT_PATH = "Import/Import.txt"
COLOURS = tuple(colour for colour in vars(palette).values() if isinstance(colour, Colour))
DESIGNS = (Mug(), Bottle(), Backpack())
# Placeholders in a template.
SKU_HERE = "@SKU@"
IMAGE_HERE = "@IMAGE-{}@"
LINE = ProductLine(
    sku=SKU_HERE,
    name=Texts("Mok Massa", "Becher Masse", "Bulk mug", "Mug en masse"),
    kind=kinds.MUG,
    design=DESIGNS[0],
    price=8.98,
    colours=(),
    brand="Bulk",
)
# A JPEG comment holds at most this much text (two bytes of length, which count themselves).
COMMENT_LIMIT = 65_533

app = typer.Typer(add_completion=False)


class BulkFeed(NamedTuple):
    """What was written."""

    import_url: str
    families: int
    variants: int
    document_bytes: int
    images: int
    image_bytes: int


def write_bulk_feed(
    root: Path,
    *,
    base_url: str,
    suppliers: int,
    families: int,
    children: float,
    document_bytes: int | None = None,
    images_per_family: float = 0.0,
    image_bytes: int = 160_000,
) -> BulkFeed:
    """Write a feed of `families` documents, spread evenly over the suppliers.

    `children` and `images_per_family` are means: 2.64 children are sometimes two and sometimes three. A document is
    small, in two languages and without imprints, unless `document_bytes` asks for about that size: then every child
    repeats the same block of imprint options, as in real feeds. Raises `ValueError` for more children than there are
    colours.
    """
    if not 1 <= children <= len(COLOURS):
        raise ValueError(f"A bulk family has 1 to {len(COLOURS)} children, not {children}.")
    base_url = base_url.rstrip("/")
    image_names = _write_images(root, round(families * images_per_family), image_bytes)
    templates = _Templates(base_url, _option_count(children, document_bytes) if document_bytes else 0)
    lines, variants, written = [f"{base_url}/CAT.csv"], 0, 0
    for number in range(families):
        names = image_names[_start(number, images_per_family) : _start(number + 1, images_per_family)]
        template = templates.of(number * suppliers // families, _share(number, children), len(names))
        path, content = template.filled(str(100_000 + number), names)
        _write(root / path, content)
        lines.append(f"{base_url}/{path}|{_sha1(content)}")
        variants += template.children
        written += len(content)
    _write(root / "CAT.csv", b"Code;Name;ParentCode\nHOUSE-LIVING;House & Living;\nHOUSE-LIVING/MUGS;Mugs;\n")
    _write(root / IMPORT_PATH, "\n".join([*lines, ""]).encode())
    return BulkFeed(
        f"{base_url}/{IMPORT_PATH}", families, variants, written, len(image_names), len(image_names) * image_bytes
    )


def touch(root: Path, families: int) -> tuple[str, ...]:
    """Raise the prices of that many families, spread evenly over the feed, and give their SKUs."""
    path = root / IMPORT_PATH
    categories, *lines = path.read_text().splitlines()
    touched = [len(lines) * i // families for i in range(families)]
    for index in touched:
        url = lines[index].partition("|")[0]
        document = root.joinpath(*url.split("/")[-2:])
        content = _dearer(document.read_bytes())
        document.write_bytes(content)
        lines[index] = f"{url}|{_sha1(content)}"
    path.write_text("\n".join([categories, *lines, ""]))
    return tuple(lines[index].partition("|")[0].rpartition("/")[2].removesuffix(".json") for index in touched)


@contextmanager
def served(root: Path, latency: float = 0.0) -> Iterator[str]:
    """Serve a feed from another process, so that its CPU seconds are not counted with ours; gives the base URL."""
    command = [sys.executable, "-m", "orchestration_tests.benchmarks.bulk_feed", "serve", str(root)]
    command += ["--latency", str(latency)]
    checkout = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=checkout) as process:  # noqa: S603 - ourselves
        try:
            url = process.stdout.readline().strip() if process.stdout else ""
            if not url:
                raise RuntimeError(f"The feed server ended with {process.wait()} before it listened.")
            yield url
        finally:
            process.terminate()


@app.callback()
def _commands() -> None:
    """Large feeds for benchmarks."""


@app.command("serve")
def _serve(
    root: Path,
    port: Annotated[int, typer.Option(help="0 takes a free port.")] = 0,
    latency: Annotated[float, typer.Option(help="Seconds before each answer.")] = 0.0,
) -> None:
    """Serve a folder until SIGTERM or SIGINT; the base URL is the first line of output."""
    ends = {signal.SIGTERM, signal.SIGINT}
    # Blocked before the server's thread starts, so that it inherits the mask and only sigwait sees them.
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    with serve(root, port=port, latency=latency) as url:
        typer.echo(url)
        sys.stdout.flush()
        signal.sigwait(ends)


class _Template(NamedTuple):
    """A document with placeholders: families of a supplier with as many children and images differ in these only."""

    supplier: str
    children: int
    content: bytes

    def filled(self, sku: str, image_names: Sequence[str]) -> tuple[str, bytes]:
        """The path and the content of a family."""
        content = self.content.replace(SKU_HERE.encode(), sku.encode())
        for number, name in enumerate(image_names):
            content = content.replace(IMAGE_HERE.format(number).encode(), name.encode())
        return f"{self.supplier}/{self.supplier}-{sku}.json", content


class _Templates:
    """Templates by supplier, children and images, each made once."""

    def __init__(self, base_url: str, options: int) -> None:
        self._base_url = base_url
        self._options = options
        self._made: dict[tuple[int, int, int], _Template] = {}

    def of(self, supplier: int, children: int, images: int) -> _Template:
        """The template for such families."""
        key = supplier, children, images
        if key not in self._made:
            self._made[key] = self._make(*key)
        return self._made[key]

    def _make(self, number: int, children: int, images: int) -> _Template:
        supplier = replace(A23, code=f"A{number + 1}", name=f"Bulk {number + 1}", lines=())
        if not self._options:
            supplier = replace(supplier, languages=("nl", "de"))
        urls = [f"{self._base_url}/images/{IMAGE_HERE.format(i)}.jpg" for i in range(images)]
        return _Template(supplier.code, children, _document(supplier, children, urls, self._options))


def _start(number: int, mean: float) -> int:
    return round(number * mean)


def _share(number: int, mean: float) -> int:
    return max(1, _start(number + 1, mean) - _start(number, mean))


def _document(supplier: Supplier, children: int, urls: Sequence[str], options: int) -> bytes:
    line = replace(LINE, colours=COLOURS[:children])
    pictures = {colour.code: [urls[i % len(urls)]] if urls else [] for i, colour in enumerate(line.colours)}
    if urls:
        pictures[line.colours[0].code] = list(urls)
    family = documents.document(line, supplier, pictures)
    block = _imprint_block(line, supplier, options) if options else []
    for child in family.child_products:
        child.imprint_positions = block
    return documents.encoded(family)


def _imprint_block(line: ProductLine, supplier: Supplier, options: int) -> list[wire.ImprintPosition]:
    place, *_ = positions(line, supplier)
    place.imprint_options = list(islice(cycle(place.imprint_options), options))
    return [place]


def _option_count(children: float, document_bytes: int) -> int:
    """How many imprint options on each child make a document of about that size."""
    small, large = (len(_document(A23, round(children), (), options)) for options in (6, 60))
    return max(1, round(6 + (document_bytes - small) / (large - small) * 54))


def _dearer(content: bytes) -> bytes:
    family = msgspec.json.decode(content, type=wire.Family)
    for child in family.child_products:
        for prices in child.product_price_country_based.values():
            for tier in prices.recommended_selling_price:
                tier.price = round(tier.price * 1.05 + 0.01, 2)
    return documents.encoded(family)


def _write_images(root: Path, count: int, size: int) -> list[str]:
    if not count:
        return []
    encodes = _encodes(size)
    names = []
    for number in range(count):
        picture = _labelled(encodes[number % len(encodes)], f"picture {number}", size)
        names.append(hashlib.sha256(picture).hexdigest())
        _write(root / "images" / f"{names[-1]}.jpg", picture)
    return names


def _encodes(size: int) -> list[bytes]:
    """Some real JPEGs of 1000 x 1000 pixels that nearly fill the size: product drawings with the grain of a photo."""
    shots = [Shot(Scene(design, View.FRONT, 1000), palette.RUST.hex_code) for design in DESIGNS]
    grain = Image.frombytes("RGB", (1000, 1000), hashlib.shake_128(b"grain").digest(3_000_000))
    return [
        _encode(Image.blend(Image.open(io.BytesIO(drawing)), grain, 0.12), size) for drawing in take(shots).values()
    ]


def _encode(picture: Image.Image, size: int) -> bytes:
    for quality in range(95, 0, -3):
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality)
        if file.tell() <= size - 100:
            return file.getvalue()
    raise ValueError(f"No JPEG of {picture.width} x {picture.height} pixels fits {size} bytes.")


def _labelled(picture: bytes, label: str, size: int) -> bytes:
    """The JPEG with comments after its start marker that make it distinct and exactly `size` bytes long."""
    start, rest, missing = picture[:2], picture[2:], size - len(picture)
    comments = b""
    while missing > 0:
        # At least four bytes remain for the next comment's head, or none.
        length = min(missing, COMMENT_LIMIT)
        if 0 < missing - length < 4:
            length -= 4
        text = label.encode().ljust(length - 4, b".")[: length - 4]
        comments += b"\xff\xfe" + (length - 2).to_bytes(2) + text
        missing -= length
    return start + comments + rest


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _sha1(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest().upper()


if __name__ == "__main__":
    app()
