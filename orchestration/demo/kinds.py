"""The sorts of products in the sample assortment: category, texts, measures, printable places."""

from __future__ import annotations

from orchestration.demo.assortment import Kind, Measures, Place, Texts

SIDE_1 = Place("SIDE_1", Texts("Zijde 1", "Seite 1", "Side 1", "Côté 1"), "60 x 50 mm")
SIDE_2 = Place("SIDE_2", Texts("Zijde 2", "Seite 2", "Side 2", "Côté 2"), "60 x 50 mm")
FRONT = Place("FRONT", Texts("Voorzijde", "Vorderseite", "Front", "Face avant"), "150 x 150 mm")
BARREL = Place("BARREL", Texts("Schacht", "Schaft", "Barrel", "Corps"), "45 x 6 mm")
PANEL = Place("PANEL_1", Texts("Paneel 1", "Segment 1", "Panel 1", "Panneau 1"), "200 x 150 mm")
CUFF = Place("CUFF", Texts("Boord", "Bündchen", "Cuff", "Revers"), "40 x 30 mm")
CHEST = Place("LEFT_CHEST", Texts("Linkerborst", "Linke Brust", "Left chest", "Poitrine gauche"), "90 x 60 mm")

MUG = Kind(
    "HOUSE-LIVING/MUGS",
    Texts("Drinkwaren/Mokken", "Trinkgefäße/Becher", "Drinkware/Mugs", "Articles à boire/Mugs"),
    Texts(
        "Mok met stevig oor.<br />Vaatwasserbestendig.",
        "Becher mit stabilem Henkel.<br />Spülmaschinenfest.",
        "Mug with a sturdy handle.<br />Dishwasher safe.",
        "Mug à anse robuste.<br />Passe au lave-vaisselle.",
    ),
    Texts("Keramiek", "Keramik", "Ceramic", "Céramique"),
    Measures(345, height=96, diameter=82),
    "6912002310",
    (SIDE_1, SIDE_2),
    fragile=True,
)
ENAMEL = MUG._replace(
    material=Texts("Emaille", "Emaille", "Enamel", "Émail"),
    measures=Measures(165, height=80, diameter=88),
    tariff="7323940000",
    fragile=False,
)
BOTTLE = Kind(
    "HOUSE-LIVING/DRINKING_BOTTLES",
    Texts("Drinkwaren/Flessen", "Trinkgefäße/Flaschen", "Drinkware/Bottles", "Articles à boire/Gourdes"),
    Texts(
        "Lekvrije fles, houdt dranken 12 uur warm.<br />Inhoud 500 ml.",
        "Auslaufsichere Flasche, hält 12 Stunden warm.<br />Inhalt 500 ml.",
        "Leakproof bottle, keeps drinks hot for 12 hours.<br />Capacity 500 ml.",
        "Gourde étanche, garde au chaud 12 heures.<br />Contenance 500 ml.",
    ),
    Texts("Roestvrij staal", "Edelstahl", "Stainless steel", "Acier inoxydable"),
    Measures(290, height=262, diameter=67),
    "9617000000",
    (SIDE_1,),
)
TOTE = Kind(
    "BAGS/SHOPPING_BAGS",
    Texts("Tassen/Boodschappentassen", "Taschen/Einkaufstaschen", "Bags/Shoppers", "Sacs/Sacs shopping"),
    Texts(
        "Katoenen tas met lange hengsels, 220 g/m².",
        "Baumwolltasche mit langen Henkeln, 220 g/m².",
        "Cotton bag with long handles, 220 g/m².",
        "Sac en coton à anses longues, 220 g/m².",
    ),
    Texts("Gerecycled katoen", "Recycelte Baumwolle", "Recycled cotton", "Coton recyclé"),
    Measures(110, width=380, height=420),
    "4202929190",
    (FRONT,),
    "IN",
    eco=True,
)
BACKPACK = Kind(
    "BAGS/BACKPACKS",
    Texts("Tassen/Rugzakken", "Taschen/Rucksäcke", "Bags/Backpacks", "Sacs/Sacs à dos"),
    Texts(
        "Rugzak met 15,6 inch laptopvak.<br />Inhoud 20 l.",
        "Rucksack mit 15,6-Zoll-Laptopfach.<br />Volumen 20 l.",
        "Backpack with a 15.6 inch laptop sleeve.<br />Volume 20 l.",
        "Sac à dos avec poche pour ordinateur 15,6 pouces.<br />Volume 20 l.",
    ),
    Texts("Gerecycled polyester", "Recyceltes Polyester", "Recycled polyester", "Polyester recyclé"),
    Measures(640, length=140, width=300, height=440),
    "4202929890",
    (FRONT,),
    "CHN",
)
PEN = Kind(
    "WRITING/BALL_PENS",
    Texts("Schrijfwaren/Balpennen", "Schreibgeräte/Kugelschreiber", "Writing/Ball pens", "Écriture/Stylos à bille"),
    Texts(
        "Drukbalpen met blauwschrijvende vulling.",
        "Druckkugelschreiber mit blauer Mine.",
        "Push-button ball pen, blue ink.",
        "Stylo à bille rétractable, encre bleue.",
    ),
    Texts("Aluminium", "Aluminium", "Aluminium", "Aluminium"),
    Measures(14, length=140, diameter=11),
    "9608109200",
    (BARREL,),
)
NOTEBOOK = Kind(
    "OFFICE/NOTEBOOKS",
    Texts("Kantoor/Notitieboeken", "Büro/Notizbücher", "Office/Notebooks", "Bureau/Carnets"),
    Texts(
        "Gebonden notitieboek, 80 gelinieerde vellen.<br />Met leeslint.",
        "Gebundenes Notizbuch, 80 linierte Blätter.<br />Mit Lesebändchen.",
        "Hard-cover notebook, 80 lined sheets.<br />With a ribbon.",
        "Carnet relié, 80 feuilles lignées.<br />Avec signet.",
    ),
    Texts("Papier en PU", "Papier und PU", "Paper and PU", "Papier et PU"),
    Measures(320, length=15, width=145, height=210),
    "4820103000",
    (FRONT,),
)
UMBRELLA = Kind(
    "OUTDOOR/UMBRELLAS",
    Texts("Buiten/Paraplu's", "Outdoor/Regenschirme", "Outdoor/Umbrellas", "Plein air/Parapluies"),
    Texts(
        "Stormvaste paraplu met houten handvat, Ø 103 cm.",
        "Sturmfester Schirm mit Holzgriff, Ø 103 cm.",
        "Windproof umbrella with a wooden handle, Ø 103 cm.",
        "Parapluie tempête à poignée en bois, Ø 103 cm.",
    ),
    Texts("Pongee", "Pongee", "Pongee", "Pongé"),
    Measures(480, length=890, diameter=1030),
    "6601992000",
    (PANEL,),
)
SOCKS = Kind(
    "TEXTILES/SOCKS",
    Texts("TEXTIEL/SOKKEN", "TEXTIL/SOCKEN"),
    Texts("Gebreid naar eigen ontwerp.<br />Maat 36-46.", "Gestrickt nach eigenem Entwurf.<br />Größe 36-46."),
    Texts("Katoen", "Baumwolle"),
    Measures(62),
    "61159500",
    (CUFF,),
)
BEANIE = SOCKS._replace(
    category="TEXTILES/HATS",
    supplier_category=Texts("TEXTIEL/MUTSEN", "TEXTIL/MÜTZEN", "TEXTILE/HATS", "TEXTILE/BONNETS"),
    text=Texts("Dubbel gebreide muts.", "Doppelt gestrickte Mütze.", "Double-knit hat.", "Bonnet double maille."),
    material=Texts("Acryl", "Acryl", "Acrylic", "Acrylique"),
    measures=Measures(85, width=210, height=240),
    tariff="6505009000",
)
SHIRT = Kind(
    "TEXTILES/T-SHIRTS",
    Texts("TEXTIEL/T-SHIRTS", "TEXTIL/T-SHIRTS", fr="TEXTILE/T-SHIRTS"),
    Texts("Enkel jersey, 180 g/m².", "Single Jersey, 180 g/m².", fr="Jersey simple, 180 g/m²."),
    Texts("100% katoen", "100 % Baumwolle", fr="100 % coton"),
    Measures(170),
    "61091000",
    (CHEST,),
    "BD",
)
POLO = SHIRT._replace(
    category="TEXTILES/POLOS",
    supplier_category=Texts("TEXTIEL/POLO'S", "TEXTIL/POLOS", fr="TEXTILE/POLOS"),
    text=Texts(
        "Piqué met gebreide kraag, 210 g/m².", "Piqué mit Strickkragen, 210 g/m².", fr="Piqué, col tricoté, 210 g/m²."
    ),
    tariff="61051000",
)
SWEATER = SHIRT._replace(
    category="TEXTILES/SWEATERS",
    supplier_category=Texts("TEXTIEL/SWEATERS", "TEXTIL/SWEATSHIRTS", fr="TEXTILE/SWEAT-SHIRTS"),
    text=Texts("Geruwde binnenzijde, 300 g/m².", "Angeraute Innenseite, 300 g/m².", fr="Intérieur gratté, 300 g/m²."),
    material=Texts("80% katoen, 20% polyester", "80 % Baumwolle, 20 % Polyester", fr="80 % coton, 20 % polyester"),
    measures=Measures(520),
    tariff="61102099",
)
JACKET = SHIRT._replace(
    category="TEXTILES/SOFTSHELLS",
    supplier_category=Texts("TEXTIEL/JASSEN", "TEXTIL/JACKEN", fr="TEXTILE/VESTES"),
    text=Texts(
        "Wind- en waterafstotend, 280 g/m².",
        "Wind- und wasserabweisend, 280 g/m².",
        fr="Coupe-vent et déperlant, 280 g/m².",
    ),
    material=Texts("Polyester", "Polyester", fr="Polyester"),
    measures=Measures(660),
    tariff="62019300",
)
CAP = SHIRT._replace(
    category="TEXTILES/HATS",
    supplier_category=Texts("TEXTIEL/PETTEN", "TEXTIL/CAPS", fr="TEXTILE/CASQUETTES"),
    text=Texts("Zes panelen, metalen gesp.", "Sechs Segmente, Metallverschluss.", fr="Six panneaux, boucle métal."),
    measures=Measures(88),
    tariff="65050030",
)
