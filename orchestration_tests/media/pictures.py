"""Pictures drawn for the tests, encoded by Pillow."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw

FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF")
RED = (200, 40, 40)
WHITE = (255, 255, 255)


def encode(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def decode(body: bytes) -> Image.Image:
    return Image.open(io.BytesIO(body))


def scene(width: int = 120, height: int = 80) -> Image.Image:
    """A picture with edges and slopes, so that every encoder has something to do."""
    image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    draw = ImageDraw.Draw(image)
    draw.ellipse((width * 0.1, height * 0.2, width * 0.6, height * 0.9), fill=RED)
    draw.line((0, 0, width, height), fill=(20, 60, 220), width=3)
    return image


def plain(mode: str, colour: float | tuple[int, ...], size: tuple[int, int] = (64, 48)) -> Image.Image:
    return Image.new(mode, size, colour)


def marked(size: tuple[int, int] = (60, 40)) -> Image.Image:
    """White, with a red upper left quarter: shows which way up it is."""
    image = Image.new("RGB", size, WHITE)
    image.paste(RED, (0, 0, size[0] // 2, size[1] // 2))
    return image
