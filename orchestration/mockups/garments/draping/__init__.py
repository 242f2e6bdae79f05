"""How a garment's mesh is made of its pattern: cloth falls over a form, once, and is kept as data."""
