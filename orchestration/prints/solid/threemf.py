"""3MF: the product as two parts with their filament colours, for slicers that print in two colours.

It holds the package and its XML. Source: 3MF Core Specification 1.3 (base materials, components).
"""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.prints.solid.colours import Filaments
    from orchestration.prints.solid.mesh import Mesh

_CONTENT_TYPES: Final = """<?xml version="1.0" encoding="UTF-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">\
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>\
<Default Extension="model" ContentType="application/vnd.ms-package.3dmanufacturing-3dmodel+xml"/></Types>
"""
_RELATIONSHIPS: Final = """<?xml version="1.0" encoding="UTF-8"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">\
<Relationship Id="model" Target="/3D/3dmodel.model" \
Type="http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"/></Relationships>
"""
_MODEL_START: Final = """<?xml version="1.0" encoding="UTF-8"?>
<model unit="millimeter" xml:lang="und" xmlns="http://schemas.microsoft.com/3dmanufacturing/core/2015/02">
"""
_PART_NAMES: Final = ("body", "text")
_FIRST_PART: Final = 2
_COMPRESSION: Final = 3


def write_3mf(parts: Sequence[Mesh], filaments: Filaments, title: str) -> bytes:
    """Return a package with a body and a text part, joined as components of one object; the same bytes each time."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED, compresslevel=_COMPRESSION) as archive:
        for name, content in (
            ("[Content_Types].xml", _CONTENT_TYPES),
            ("_rels/.rels", _RELATIONSHIPS),
            ("3D/3dmodel.model", _model(parts, filaments, title)),
        ):
            # A fixed date, so that equal products have equal files.
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED, _COMPRESSION)
    return package.getvalue()


def _model(parts: Sequence[Mesh], filaments: Filaments, title: str) -> str:
    materials = "".join(
        f"<base name={quoteattr(filament.name)} displaycolor={quoteattr(filament.rgb.hexadecimal)}/>"
        for filament in filaments
    )
    whole = _FIRST_PART + len(parts)
    objects = "".join(_object(number, part) for number, part in enumerate(parts))
    components = "".join(f'<component objectid="{_FIRST_PART + number}"/>' for number in range(len(parts)))
    return (
        f'{_MODEL_START}<metadata name="Title">{escape(title)}</metadata>\n'
        f'<resources><basematerials id="1">{materials}</basematerials>{objects}'
        f'<object id="{whole}" type="model"><components>{components}</components></object></resources>'
        f'<build><item objectid="{whole}"/></build></model>\n'
    )


def _object(number: int, mesh: Mesh) -> str:
    vertices = mesh.vertices.astype(float).ravel().tolist()
    triangles = mesh.triangles.ravel().tolist()
    # One format call for all numbers is several times faster than one for each element. Nine significant digits
    # give a float32 back exactly, so the part stays as closed as the solid it came from.
    points = ('<vertex x="%.9g" y="%.9g" z="%.9g"/>' * len(mesh.vertices)) % tuple(vertices)
    faces = ('<triangle v1="%d" v2="%d" v3="%d"/>' * len(mesh.triangles)) % tuple(triangles)
    return (
        f'<object id="{_FIRST_PART + number}" type="model" name="{_PART_NAMES[number]}" pid="1" pindex="{number}">'
        f"<mesh><vertices>{points}</vertices><triangles>{faces}</triangles></mesh></object>"
    )
