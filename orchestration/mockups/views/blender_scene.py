"""What runs inside Blender: it builds the scene of a garment from a folder, and renders its views with Cycles.

The folder holds `scene.json`, `mesh.npz` and `cloth.png`; `view-N.npy` come out, float16 (size, size, 4) of linear
light with premultiplied alpha, each followed by a line `rendered N`. The camera stands still and looks along -z with y
up, as Blender's does by itself; the garment turns. Keep out: imports of this package, which Blender does not have.
Works from Blender 3.4 on.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import bpy  # type: ignore[import-not-found]  # Blender's own Python has it
import numpy as np

LABEL = (0.80, 0.80, 0.80, 1.0)
# The share of the light that shines through white cloth.
THROUGH = 0.14


def main(folder: Path) -> None:
    """Render all views."""
    wanted = json.loads((folder / "scene.json").read_text())
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    with np.load(folder / "mesh.npz") as arrays:
        garment = add_garment(scene, arrays, folder / "cloth.png")
        add_light(scene, arrays["light"])
    add_camera(scene, wanted["focal"])
    set_up_cycles(scene, wanted)
    for number, (rotation, eye) in enumerate(wanted["views"]):
        garment.matrix_world = placed(rotation, eye)
        render(scene, folder, number)
        say(f"rendered {number}")


def say(line: str) -> None:
    """Print a line that the program which started this one waits for."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def placed(rotation: list[list[float]], eye: list[float]) -> list[list[float]]:
    """The columns of the garment's matrix for which the camera stands at the origin."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    matrix[:3, 3] = -np.array(eye)
    columns: list[list[float]] = matrix.T.tolist()
    return columns


def add_garment(scene: Any, arrays: Any, cloth: Path) -> Any:  # noqa: ANN401 - Blender has no types
    """The mesh with its places on the canvas, smooth, with its cloth."""
    points, triangles = arrays["points"], arrays["triangles"]
    mesh = bpy.data.meshes.new("garment")
    mesh.from_pydata(points.tolist(), [], triangles.tolist())
    corners = triangles.ravel()
    places = arrays["places"][corners] * (1, -1) + (0, 1)
    mesh.uv_layers.new(name="canvas").data.foreach_set("uv", places.astype(np.float32).ravel())
    for name in ("inside", "label"):
        mesh.attributes.new(name, "FLOAT", "POINT").data.foreach_set("value", arrays[name])
    mesh.polygons.foreach_set("use_smooth", np.ones(len(triangles), bool))
    if hasattr(mesh, "use_auto_smooth"):
        mesh.use_auto_smooth = True
    mesh.normals_split_custom_set_from_vertices(arrays["normals"].tolist())
    mesh.materials.append(cloth_material(cloth, (*arrays["cloth"].tolist(), 1.0)))
    garment = bpy.data.objects.new("garment", mesh)
    scene.collection.objects.link(garment)
    return garment


def cloth_material(cloth: Path, fabric: tuple[float, ...]) -> Any:  # noqa: ANN401
    """Printed cloth outside, plain cloth inside and on the back, and the label; a little light shines through."""
    material = bpy.data.materials.new("cloth")
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()

    def node(kind: str, **inputs: Any) -> Any:  # noqa: ANN401
        made = tree.nodes.new(kind)
        for name, value in inputs.items():
            socket = made.inputs[int(name[1:])] if name[1:].isdigit() else made.inputs[name]
            if hasattr(value, "is_output"):
                tree.links.new(value, socket)
            else:
                socket.default_value = value
        return made

    printed = node("ShaderNodeTexImage")
    printed.image = bpy.data.images.load(str(cloth))
    printed.extension = "EXTEND"
    shares = []
    for name in ("inside", "label"):
        attribute = node("ShaderNodeAttribute")
        attribute.attribute_name = name
        shares.append(attribute.outputs["Fac"])
    behind = node("ShaderNodeNewGeometry").outputs["Backfacing"]
    plain = node("ShaderNodeMath", _0=behind, _1=shares[0])
    plain.operation = "MAXIMUM"
    colour = node("ShaderNodeMixRGB", Fac=plain.outputs[0], Color1=printed.outputs["Color"], Color2=fabric)
    colour = node("ShaderNodeMixRGB", Fac=shares[1], Color1=colour.outputs[0], Color2=LABEL)
    front = node("ShaderNodeBsdfDiffuse", Color=colour.outputs[0])
    through = node("ShaderNodeBsdfTranslucent", Color=colour.outputs[0])
    both = node("ShaderNodeMixShader", Fac=THROUGH, _1=front.outputs[0], _2=through.outputs[0])
    node("ShaderNodeOutputMaterial", Surface=both.outputs[0])
    return material


def add_light(scene: Any, light: Any) -> None:  # noqa: ANN401
    """The studio as the world's light: grey, from all directions of the camera's space."""
    rows, columns = light.shape
    picture = bpy.data.images.new("studio", columns, rows, float_buffer=True)
    picture.colorspace_settings.name = "Non-Color"
    picture.pixels.foreach_set(np.repeat(light[..., None], 4, axis=2).astype(np.float32).ravel())
    world = bpy.data.worlds.new("studio")
    world.use_nodes = True
    nodes, links = world.node_tree.nodes, world.node_tree.links
    nodes.clear()
    texture, behind, output = (
        nodes.new(kind) for kind in ("ShaderNodeTexEnvironment", "ShaderNodeBackground", "ShaderNodeOutputWorld")
    )
    texture.image = picture
    links.new(texture.outputs["Color"], behind.inputs["Color"])
    links.new(behind.outputs["Background"], output.inputs["Surface"])
    scene.world = world


def add_camera(scene: Any, focal: float) -> None:  # noqa: ANN401
    """A camera at the origin whose picture is square."""
    lens = bpy.data.cameras.new("camera")
    lens.angle = 2 * math.atan(1 / focal)
    lens.clip_end = 100
    scene.camera = bpy.data.objects.new("camera", lens)
    scene.collection.objects.link(scene.camera)


def set_up_cycles(scene: Any, wanted: dict[str, Any]) -> None:  # noqa: ANN401
    """Cycles on the processor, denoised where this Blender can, with a fixed seed."""
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = wanted["samples"]
    scene.cycles.use_adaptive_sampling = False
    scene.cycles.seed = 1
    scene.cycles.max_bounces = 4
    scene.cycles.use_denoising = getattr(bpy.app.build_options, "openimagedenoise", True)
    scene.render.threads_mode = "FIXED"
    scene.render.threads = wanted["threads"]
    scene.render.use_persistent_data = True
    scene.render.film_transparent = True
    scene.render.resolution_x = scene.render.resolution_y = wanted["size"]
    scene.render.resolution_percentage = 100
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.render.image_settings.color_mode = "RGBA"
    scene.render.image_settings.color_depth = "32"


def render(scene: Any, folder: Path, number: int) -> None:  # noqa: ANN401
    """Render one view; its light goes through a file, since Blender gives no pixels of what it has just rendered."""
    path = folder / f"view-{number}.exr"
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    picture = bpy.data.images.load(str(path))
    size = scene.render.resolution_x
    light = np.empty(size * size * 4, np.float32)
    picture.pixels.foreach_get(light)
    bpy.data.images.remove(picture)
    path.unlink()
    begun = folder / f"begun-{number}.npy"
    np.save(begun, light.reshape(size, size, 4)[::-1].astype(np.float16))
    begun.rename(folder / f"view-{number}.npy")


if __name__ == "__main__":
    if sys.argv[-1] == "--version":
        say(f"version {bpy.app.version_string}")
    else:
        main(Path(sys.argv[-1]))
