"""From the children of a document to variants.

It decides which field of a child goes where, and groups children by colour. Keep out: reading JSON
(`decode`), the family (`family`).
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from orchestration.catalogue.documents.attributes import color_of, hex_color_of, in_size_order, size_of
from orchestration.catalogue.documents.image_urls import gallery_urls, primary_url
from orchestration.catalogue.documents.languages import display_name, first_text, in_order, texts
from orchestration.catalogue.documents.model import ByLanguage, InformationFile, Variant

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orchestration.catalogue.documents.wire import Child, Details, Picture

_UNNAMED = "Product"
_GENERATED_LANGUAGE = "en"


class _Look(NamedTuple):
    """A child with what distinguishes it from its siblings, its languages in reading order."""

    child: Child
    details: list[tuple[str, Details]]
    color: str | None
    size: str | None


def build_variants(a_number: str, children: Sequence[Child], names: ByLanguage) -> tuple[Variant, ...]:
    """The variants of the family `a_number` in the order of the document. `names` are the family's, by language."""
    looks = [_look(child) for child in children]
    sizes: dict[str | None, list[str]] = defaultdict(list)
    first_of_color: dict[str | None, int] = {}
    for position, look in enumerate(looks):
        first_of_color.setdefault(look.color, position)
        if look.size is not None:
            sizes[look.color].append(look.size)
    ordered = {color: in_size_order(found) for color, found in sizes.items()}
    base_name = display_name(names) or _UNNAMED
    primaries = set(first_of_color.values())
    return tuple(
        _variant(
            look,
            a_number,
            base_name,
            position=position,
            sizes=ordered.get(look.color, ()),
            is_primary=position in primaries,
        )
        for position, look in enumerate(looks)
    )


def _look(child: Child) -> _Look:
    details = in_order(child.product_details)
    blocks = [block for _, block in details]
    return _Look(child, details, color_of(child.properties, blocks), size_of(blocks))


def _variant(
    look: _Look, a_number: str, base_name: str, *, position: int, sizes: tuple[str, ...], is_primary: bool
) -> Variant:
    child, details = look.child, look.details
    blocks = [block for _, block in details]
    properties = child.properties
    important = [block.important_information for block in blocks if block.important_information is not None]
    notes = [block.unstructured_information for block in blocks if block.unstructured_information is not None]
    primary = primary_url(blocks)
    return Variant(
        sku=child.sku,
        a_number=a_number,
        position=position,
        supplier_sku=child.supplier_sku or None,
        ean=child.ean or None,
        name=" - ".join(filter(None, (base_name, look.color, look.size))),
        color=look.color,
        hex_color=hex_color_of(properties, blocks),
        supplier_color_code=first_text(note.supplier_color_code for note in notes),
        supplier_search_color=first_text(note.supplier_search_color for note in notes),
        supplier_main_category=first_text(note.supplier_main_category for note in notes),
        size=look.size,
        sizes=sizes,
        dimensions_length=properties.dimensions_length,
        dimensions_width=properties.dimensions_width,
        dimensions_height=properties.dimensions_height,
        dimensions_diameter=properties.dimensions_diameter,
        dimensions_depth=properties.dimensions_depth,
        weight=properties.weight,
        embroidery_sizes=_shop_text(child, "EmbroiderySizes"),
        imprint_required=any(info.imprint_required for info in important),
        fragile=properties.fragile,
        usb_item=properties.usb_item,
        is_service_base=_shop_text(child, "IsServiceBase") == "True",
        tron_logo_enabled=any(info.tron_logo_enabled for info in important),
        tron_logo_reference=first_text(info.tron_logo_reference for info in important),
        meta_name=texts(details, lambda block: block.meta_name),
        meta_description=_described(look, base_name),
        meta_keywords=_keywords(look, base_name),
        primary_image=primary,
        gallery_images=gallery_urls(blocks, without=(primary,)),
        information_files=_files(blocks),
        is_primary_for_color=is_primary,
        outer_carton_length_cm=properties.outer_carton_length_cm,
        outer_carton_width_cm=properties.outer_carton_width_cm,
        outer_carton_height_cm=properties.outer_carton_height_cm,
        outer_carton_weight_net_kg=properties.outer_carton_weight_net_kg,
        outer_carton_weight_gross_kg=properties.outer_carton_weight_gross_kg,
        outer_carton_quantity=properties.outer_carton_quantity_per_carton,
        is_active=is_active(blocks),
    )


def is_active(blocks: Sequence[Details]) -> bool:
    """Whether it is active in any language; without a language nothing says that it is not."""
    return not blocks or any(block.is_active for block in blocks)


def _described(look: _Look, base_name: str) -> ByLanguage:
    """The supplier's text by language, else one made of name, colour and size, which is English."""
    color = f" in {look.color}" if look.color is not None else ""
    size = f", size {look.size}" if look.size is not None else ""
    generated = {_GENERATED_LANGUAGE: f"{base_name}{color}{size}"}
    return generated | texts(look.details, lambda block: block.meta_description)


def _keywords(look: _Look, base_name: str) -> ByLanguage:
    generated = {_GENERATED_LANGUAGE: ", ".join(filter(None, (base_name, look.color, look.size)))}
    return generated | texts(look.details, lambda block: block.meta_keywords)


def _shop_text(child: Child, key: str) -> str | None:
    """A text for the shop that is the same in every language.

    No sample holds embroidery sizes or service bases; a supplier who sends them does so under a key of that name.
    """
    return (child.properties.web_shop_information or {}).get(key) or None


def _files(blocks: Iterable[Details]) -> tuple[InformationFile, ...]:
    """The files of all languages, each URL once; a bare URL is a file without a name."""
    files: dict[str, InformationFile] = {}
    for entry in (entry for block in blocks for entry in block.information_files or ()):
        file = _file(entry)
        if file.url:
            files.setdefault(file.url, file)
    return tuple(files.values())


def _file(entry: Picture | str) -> InformationFile:
    if isinstance(entry, str):
        return InformationFile(url=entry)
    return InformationFile(
        url=entry.url or "", file_name=entry.file_name or None, description=entry.description or None
    )
