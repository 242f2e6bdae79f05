"""The colours of the sample assortment, with the codes and names under which suppliers publish them."""

from __future__ import annotations

from orchestration.demo.assortment import Colour, Texts

BLACK = Colour("900", "Black", "202024", "Black C", Texts("Zwart", "Schwarz", "Black", "Noir"))
WHITE = Colour("000", "White", "F4F4F4", "White", Texts("Wit", "Weiß", "White", "Blanc"))
GREY = Colour("910", "Grey", "8C9196", "430", Texts("Grijs", "Grau", "Grey", "Gris"))
ANTHRACITE = Colour("955", "Grey", "4A5560", "432", Texts("Antraciet", "Anthrazit", "Anthracite", "Anthracite"))
NAVY = Colour("600", "Blue", "1B2A49", "289", Texts("Marine", "Marine", "Navy", "Marine"))
BLUE = Colour("540", "Blue", "1F5FA8", "2145", Texts("Kobalt", "Kobalt", "Royal blue", "Bleu roi"))
SKY = Colour("510", "Blue", "7FA6C9", "543", Texts("Lichtblauw", "Hellblau", "Light blue", "Bleu clair"))
RED = Colour("400", "Red", "B8322A", "7620", Texts("Rood", "Rot", "Red", "Rouge"))
BURGUNDY = Colour("450", "Red", "6E2035", "7421", Texts("Bordeaux", "Bordeaux", "Burgundy", "Bordeaux"))
GREEN = Colour("720", "Green", "2E7D5B", "7731", Texts("Groen", "Grün", "Green", "Vert"))
LIME = Colour("730", "Green", "7AB317", "376", Texts("Limoen", "Limette", "Lime", "Citron vert"))
OLIVE = Colour("770", "Green", "5B6236", "5743", Texts("Olijf", "Oliv", "Olive", "Olive"))
ORANGE = Colour("170", "Orange", "E67E22", "716", Texts("Oranje", "Orange", "Orange", "Orange"))
OCHRE = Colour("150", "Yellow", "D9A441", "7407", Texts("Oker", "Ocker", "Ochre", "Ocre"))
RUST = Colour("180", "Brown", "B5622F", "7583", Texts("Roest", "Rost", "Rust", "Rouille"))
PINK = Colour("250", "Pink", "CF7F93", "7633", Texts("Oudroze", "Altrosa", "Dusty pink", "Vieux rose"))
TURQUOISE = Colour("660", "Turquoise", "2A9BA3", "7711", Texts("Turquoise", "Türkis", "Turquoise", "Turquoise"))
NATURAL = Colour("010", "Natural", "E9E0CB", "7527", Texts("Naturel", "Natur", "Natural", "Naturel"))
MULTICOLOUR = Colour("999", "MultiColor", "B03A2E", "", Texts("Multicolor", "Mehrfarbig", "Multicolour", "Multicolore"))
