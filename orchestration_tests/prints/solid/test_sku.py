"""The SKU rules."""

from __future__ import annotations

import pytest

from orchestration.prints.solid.sku import (
    STATIC_SKUS,
    DesignName,
    UnsupportedSkuError,
    is_supported,
    product_for,
)


@pytest.mark.parametrize(
    ("sku", "design", "folder"),
    [
        ("PER-KEY3D-STY3-Y3D", DesignName.DUAL_COLOUR, "dual-colours"),
        ("Y3D-NKC-002", DesignName.STYLE3, "style3-tag"),
        ("N9-93VU-76VK", DesignName.NEW3, "new3-tag"),
        ("Y3D-REGKEY-STL1", DesignName.NUMBER_PLATE, "reg-keys"),
        ("PER-2PER-ANYTHING", DesignName.CABLE_CLIP, "cable-clip"),
        ("PER-2PER-", DesignName.CABLE_CLIP, "cable-clip"),
    ],
)
def test_each_sku_has_its_design_and_folder(sku: str, design: DesignName, folder: str) -> None:
    assert is_supported(sku)
    assert product_for(sku).design is design
    assert product_for(sku).folder == folder


@pytest.mark.parametrize("sku", ["PER-KEY3D-STY1-Y3D", "", "per-2per-a", "X", " Y3D-NKC-002"])
def test_any_other_sku_is_refused_by_name(sku: str) -> None:
    assert not is_supported(sku)
    with pytest.raises(UnsupportedSkuError, match="Unsupported SKU for STL rendering"):
        product_for(sku)


def test_every_design_is_reached_by_some_sku() -> None:
    reached = {product.design for product in STATIC_SKUS.values()} | {product_for("PER-2PER-1").design}
    assert reached == set(DesignName)
