"""The printed garment as a GLB, which browsers, phones and 3D programs show and turn.

Metres, y up, its front towards +z, as glTF 2.0 asks for. Keep out: light, which viewers bring, and pictures.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

import numpy as np

from orchestration.mockups.garments.mesh import Material, load_mesh
from orchestration.mockups.views.compose import encoded, reflectance
from orchestration.mockups.views.printed_cloth import printed_cloth

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from orchestration.mockups.artwork import Artwork, Rgb
    from orchestration.mockups.garments.mesh import GarmentMesh

GLB: Final = "model/gltf-binary"
TEXTURE_SIDE: Final = 2048
_QUALITY: Final = 88
_ROUGHNESS: Final = 0.92
_LABEL: Final = (230, 230, 230)


def garment_glb(artwork: Artwork) -> bytes:
    """Write the draped garment: its printed outside, its plain inside, and its label."""
    trimesh = _trimesh()
    mesh = load_mesh(artwork.garment.template_id)
    of = mesh.material[mesh.triangles]
    outside = mesh.triangles[(of == Material.CLOTH).all(axis=1)]
    inside = mesh.triangles[(of == Material.INSIDE).any(axis=1)]
    label = mesh.triangles[(of == Material.LABEL).any(axis=1)]
    places = mesh.canvas / np.float32(artwork.garment.canvas_px) * (1, -1) + (0, 1)
    fabric = _plain(artwork.fabric)
    scene = trimesh.Scene()
    scene.add_geometry(_part(mesh, outside, _textured(artwork), places), geom_name="printed")
    # The same cloth from behind, since ink does not show through.
    scene.add_geometry(_part(mesh, outside[:, ::-1], _coloured(fabric), places, turned=True), geom_name="back")
    for name, triangles, colour in (("inside", inside, fabric), ("label", label, _LABEL)):
        if len(triangles):
            scene.add_geometry(_part(mesh, triangles, _coloured(colour, both=True), places), geom_name=name)
    written: bytes = trimesh.exchange.gltf.export_glb(scene, include_normals=True)
    return written


def _trimesh() -> Any:  # noqa: ANN401 - its types say less than it does
    """The library that writes GLB."""
    import trimesh

    return trimesh


def _part(
    mesh: GarmentMesh,
    triangles: NDArray[np.int32],
    material: Any,  # noqa: ANN401 - trimesh has no types
    places: NDArray[np.float32],
    *,
    turned: bool = False,
) -> Any:  # noqa: ANN401
    trimesh = _trimesh()
    used, corners = np.unique(triangles, return_inverse=True)
    normals = mesh.normals[used] / np.maximum(np.linalg.norm(mesh.normals[used], axis=1, keepdims=True), 1e-6)
    return trimesh.Trimesh(
        mesh.points[used],
        corners.reshape(-1, 3),
        vertex_normals=-normals if turned else normals,
        visual=trimesh.visual.TextureVisuals(uv=places[used], material=material),
        process=False,
    )


def _textured(artwork: Artwork) -> Any:  # noqa: ANN401 - trimesh has no types
    import cv2
    from PIL import Image

    cloth = cv2.resize(printed_cloth(artwork), (TEXTURE_SIDE, TEXTURE_SIDE), interpolation=cv2.INTER_AREA)
    file = io.BytesIO()
    Image.fromarray(np.asarray(cloth, np.uint8)).save(file, "JPEG", quality=_QUALITY)
    # An image that was read keeps its format, in which it is written.
    texture = Image.open(file)
    return _trimesh().visual.material.PBRMaterial(
        baseColorTexture=texture, metallicFactor=0.0, roughnessFactor=_ROUGHNESS, doubleSided=False
    )


def _coloured(colour: Rgb, *, both: bool = False) -> Any:  # noqa: ANN401 - trimesh has no types
    return _trimesh().visual.material.PBRMaterial(
        baseColorFactor=(*colour, 255), metallicFactor=0.0, roughnessFactor=_ROUGHNESS, doubleSided=both
    )


def _plain(fabric: Rgb) -> Rgb:
    """The colour in which the cloth of a texture comes out."""
    red, green, blue = (int(value) for value in encoded(reflectance(fabric)))
    return red, green, blue
