"""3MF: products of two colours, one object each, as the slicers of print shops read them.

A product is one mesh: the triangles of its body, then those of its text. Two readers decide the layout. PrusaSlicer
takes an object of components apart into loose objects, so the parts are named in its own `Slic3r_PE_model.config`, as
ranges of triangles, each with its extruder. Bambu Studio and OrcaSlicer read that file as well when the model's
`Application` names PrusaSlicer's layout and the package has no relationships of the model. Everybody else sees the
colours, which are a colour group. No two items show one object, since PrusaSlicer loses the parts of the second.

Sources: 3MF Core Specification 1.3, Materials and Properties Extension 1.2 (colour groups), PrusaSlicer's
`src/libslic3r/Format/3mf.cpp`, Bambu Studio's `bbs_3mf.cpp`. Keep out: making solids, and where products stand.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from typing import TYPE_CHECKING, Final, NamedTuple
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from orchestration.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from orchestration.prints.solid.colours import Filaments
    from orchestration.prints.solid.mesh import Mesh

LAYOUT: Final = "2"
"""Changes with the layout of the package, so that files of an older one are not taken for the same product."""

_CONTENT_TYPES: Final = """<?xml version="1.0" encoding="UTF-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">\
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>\
<Default Extension="model" ContentType="application/vnd.ms-package.3dmanufacturing-3dmodel+xml"/>\
<Default Extension="config" ContentType="text/xml"/><Default Extension="png" ContentType="image/png"/></Types>
"""
_MODEL_RELATIONSHIP: Final = """<Relationship Id="model" Target="/3D/3dmodel.model" \
Type="http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"/>"""
_PICTURE_RELATIONSHIP: Final = """<Relationship Id="thumbnail" Target="/Metadata/thumbnail.png" \
Type="http://schemas.openxmlformats.org/package/2006/relationships/metadata/thumbnail"/>"""
# `Version3mf` keeps PrusaSlicer from moving the first part alone. `Application` must hold, and not begin with, the name
# PrusaSlicer: so its fork's reader is chosen, and no version of it is assumed.
_MODEL_START: Final = f"""<?xml version="1.0" encoding="UTF-8"?>
<model unit="millimeter" xml:lang="und" xmlns="http://schemas.microsoft.com/3dmanufacturing/core/2015/02" \
xmlns:m="http://schemas.microsoft.com/3dmanufacturing/material/2015/02" \
xmlns:slic3rpe="http://schemas.slic3r.org/3mf/2017/06">
<metadata name="slic3rpe:Version3mf">1</metadata>
<metadata name="Application">orchestration {LAYOUT} (PrusaSlicer 3MF layout)</metadata>
"""
_MODEL: Final = "3D/3dmodel.model"
_CONFIG: Final = "Metadata/Slic3r_PE_model.config"
_PICTURE: Final = "Metadata/thumbnail.png"
_COLOURS: Final = 1
_FIRST_OBJECT: Final = 2
_COMPRESSION: Final = 2
_PARTS: Final = ("body", "text")
# What XML 1.0 forbids even as a character reference: slicers refuse the whole file for one of them.
_FORBIDDEN: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MESH: Final = re.compile(r"<mesh><vertices>(.*?)</vertices><triangles>(.*?)</triangles></mesh>", re.DOTALL)
# How a package is broken: its archive, a name in it, its texts, its numbers.
_UNREADABLE: Final = (
    zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, KeyError, ValueError,
)  # fmt: skip
# A product of a hundred thousand triangles has ten.
_LARGEST: Final = 256 * 2**20
_NUMBER: Final = re.compile(r'="([^"]*)"')


class Part(NamedTuple):
    """A part of a model in one colour: `vertices` (n, 3) in mm, `triangles` (m, 3)."""

    vertices: NDArray[np.float32]
    triangles: NDArray[np.int64]


class Placement(NamedTuple):
    """Where a model stands: turned by a quarter counter-clockwise or not, then moved by `x`, `y` mm."""

    x: float = 0.0
    y: float = 0.0
    is_turned: bool = False


class Model(NamedTuple):
    """A product in a package: its name, its body and its text, and where it stands."""

    name: str
    parts: Sequence[Part | Mesh]
    placement: Placement = Placement()


def write_3mf(models: Sequence[Model], filaments: Filaments, title: str, picture: bytes | None = None) -> bytes:
    """Return a package of products that share two filaments; the same bytes each time. `picture` is a PNG of it."""
    relationships = [_MODEL_RELATIONSHIP, *([_PICTURE_RELATIONSHIP] if picture else [])]
    entries: list[tuple[str, str | bytes]] = [
        ("[Content_Types].xml", _CONTENT_TYPES),
        ("_rels/.rels", _relationships(relationships)),
        (_MODEL, _model(models, filaments, title)),
        (_CONFIG, _config(models)),
    ]
    if picture:
        entries.append((_PICTURE, picture))
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED, compresslevel=_COMPRESSION) as archive:
        for name, content in entries:
            # A fixed date, so that equal products have equal files.
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            method = zipfile.ZIP_STORED if name == _PICTURE else zipfile.ZIP_DEFLATED
            archive.writestr(entry, content, method, _COMPRESSION)
    return package.getvalue()


def read_parts(package: bytes) -> list[Part]:
    """Return the body and the text of a package that `write_3mf` made of one product.

    Raises `InvalidInputError` for any other package.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(package)) as archive:
            return list(_read_parts(_text(archive, _MODEL), _text(archive, _CONFIG)))
    except _UNREADABLE as error:
        raise InvalidInputError("this 3MF has no parts in PrusaSlicer's layout: render the product again") from error


def _text(archive: zipfile.ZipFile, name: str) -> str:
    if archive.getinfo(name).file_size > _LARGEST:
        raise InvalidInputError(f"this 3MF unpacks to more than {_LARGEST // 2**20} MiB: render the product again")
    return archive.read(name).decode()


def _read_parts(model: str, config: str) -> Iterator[Part]:
    """Yield the parts; raises one of `_UNREADABLE` for what `write_3mf` never writes."""
    meshes = _MESH.findall(model)
    ranges = re.findall(r'firstid="(\d+)" lastid="(\d+)"', config)
    if len(meshes) != 1 or len(ranges) != len(_PARTS):
        raise InvalidInputError("this 3MF holds more or less than one product of two parts: render the product again")
    with np.errstate(over="ignore"):
        vertices = _numbers(meshes[0][0]).astype(np.float32).reshape(-1, 3)
    corners = _numbers(re.sub(r' (?:pid|p1)="\d+"', "", meshes[0][1])).reshape(-1, 3)
    if not (np.isfinite(vertices).all() and (corners >= 0).all() and (corners < len(vertices)).all()):
        raise ValueError("a corner that is no point")
    triangles = corners.astype(np.int64)
    for first, last in ranges:
        yield _part(vertices, triangles[int(first) : int(last) + 1])


def plain_xml(text: str) -> str:
    """Return the text without what XML 1.0 forbids: control characters, lone surrogates."""
    return _FORBIDDEN.sub("", text)


def _numbers(text: str) -> NDArray[np.float64]:
    return np.array(_NUMBER.findall(text), dtype=np.float64)


def _part(vertices: NDArray[np.float32], triangles: NDArray[np.int64]) -> Part:
    """Cut a part out of a mesh; its vertices are a run of their own."""
    first = int(triangles.min())
    return Part(vertices[first : int(triangles.max()) + 1], triangles - first)


def _relationships(each: Sequence[str]) -> str:
    start = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{start}{"".join(each)}</Relationships>\n'


def _model(models: Sequence[Model], filaments: Filaments, title: str) -> str:
    # Bambu Studio drops lower-case digits (secondary source), and wants the alpha.
    colours = "".join(f'<m:color color="{filament.rgb.hexadecimal}FF"/>' for filament in filaments)
    objects = "".join(_object(number, model) for number, model in enumerate(models, start=_FIRST_OBJECT))
    items = "".join(_item(number, model.placement) for number, model in enumerate(models, start=_FIRST_OBJECT))
    title_element = f'<metadata name="Title">{escape(plain_xml(title))}</metadata>\n'
    return (
        f'{_MODEL_START}{title_element}<resources><m:colorgroup id="{_COLOURS}">{colours}</m:colorgroup>{objects}'
        f"</resources><build>{items}</build></model>\n"
    )


def _object(number: int, model: Model) -> str:
    body, text = model.parts
    vertices = np.concatenate([body.vertices, text.vertices]).astype(float).ravel().tolist()
    # One format call for all numbers is several times faster than one for each element. Nine significant digits
    # give a float32 back exactly, so the part stays as closed as the solid it came from.
    points = ('<vertex x="%.9g" y="%.9g" z="%.9g"/>' * (len(vertices) // 3)) % tuple(vertices)
    faces = _faces(body, 0, "") + _faces(text, len(body.vertices), f' pid="{_COLOURS}" p1="1"')
    return (
        f'<object id="{number}" type="model" name={_quoted(model.name)} pid="{_COLOURS}" pindex="0">'
        f"<mesh><vertices>{points}</vertices><triangles>{faces}</triangles></mesh></object>"
    )


def _faces(part: Part | Mesh, offset: int, colour: str) -> str:
    """Write the triangles as rows of one length, in which numbers are padded with a byte that is dropped at the end."""
    corners = part.triangles + offset
    highest = int(corners.max(initial=0))
    numerals = np.arange(highest + 1).astype(f"S{len(str(highest))}")
    row = '<triangle v1="', corners[:, 0], '" v2="', corners[:, 1], '" v3="', corners[:, 2], f'"{colour}/>'
    columns = [np.array(cell.encode()) if isinstance(cell, str) else numerals[cell] for cell in row]
    rows = np.empty(len(corners), [(f"cell{place}", column.dtype) for place, column in enumerate(columns)])
    for place, column in enumerate(columns):
        rows[f"cell{place}"] = column
    return rows.tobytes().translate(None, b"\0").decode()


def _item(number: int, placement: Placement) -> str:
    """Write a build item; the transform is the matrix row by row, the shift last."""
    turn = "0 1 0 -1 0 0" if placement.is_turned else "1 0 0 0 1 0"
    return f'<item objectid="{number}" transform="{turn} 0 0 1 {placement.x:.6g} {placement.y:.6g} 0"/>'


def _config(models: Sequence[Model]) -> str:
    objects = "".join(_config_object(number, model) for number, model in enumerate(models, start=_FIRST_OBJECT))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<config>{objects}</config>\n'


def _config_object(number: int, model: Model) -> str:
    name = f'<metadata type="object" key="name" value={_quoted(model.name)}/>'
    return f'<object id="{number}" instances_count="1">{name}{"".join(_volumes(model))}</object>'


def _volumes(model: Model) -> Iterator[str]:
    first = 0
    for extruder, (name, part) in enumerate(zip(_PARTS, model.parts, strict=True), start=1):
        values = {"name": name, "volume_type": "ModelPart", "extruder": extruder}
        metadata = "".join(f'<metadata type="volume" key="{key}" value="{value}"/>' for key, value in values.items())
        last = first + len(part.triangles) - 1
        yield f'<volume firstid="{first}" lastid="{last}">{metadata}</volume>'
        first = last + 1


def _quoted(text: str) -> str:
    return quoteattr(plain_xml(text))
