// A product as storeys, from numbers alone: the text arrives as shaped outlines, never as a string.
// Plain OpenSCAD of 2021 and later. All measures are in mm.
//
// The file that includes this one sets:
//   growth   how far every outline is grown: the weight of the letters
//   glyphs   [[points, paths], ...] the outlines in place, before growth
//   storeys  [[top, margin, closing, bars, frames, holes, patches], ...] from the bed up; margin is undef for no text
//   channel  [diameter, height, slot width, slot top, start, length], or [] for none
//   facets   the number of segments of a full circle
//
// A bar is [left, bottom, right, top, radius]. Every storey stands inside the one below, so all of them may start on
// the bed: the union is the same, and no two faces have to meet in exactly one plane.

$fn = facets;

module lettering(distance) {
    offset(r = growth + distance)
        union() {
            for (glyph = glyphs) polygon(points = glyph[0], paths = glyph[1], convexity = 10);
        }
}

module bar(edges, grown = 0) {
    radius = edges[4] + grown;
    left = edges[0] + edges[4];
    bottom = edges[1] + edges[4];
    right = edges[2] - edges[4];
    top = edges[3] - edges[4];
    if (radius > 0) {
        hull() {
            for (x = [left, right], y = [bottom, top]) translate([x, y]) circle(r = radius);
        }
    } else {
        translate([left, bottom]) square([right - left, top - bottom]);
    }
}

module floor_plan(margin, closing, bars, frames, holes, patches) {
    difference() {
        union() {
            offset(r = -closing)
                union() {
                    if (!is_undef(margin)) lettering(margin + closing);
                    for (edges = bars) bar(edges, closing);
                }
            for (patch = patches) polygon(patch);
            for (frame = frames) difference() {
                bar(frame[0]);
                bar(frame[1]);
            }
        }
        for (hole = holes) bar(hole);
    }
}

module cable_channel() {
    translate([channel[4], 0, channel[1]]) rotate([0, 90, 0]) cylinder(d = channel[0], h = channel[5]);
    translate([channel[4], -channel[2] / 2, -1]) cube([channel[5], channel[2], channel[3] + 1]);
}

difference() {
    union() {
        for (storey = storeys)
            linear_extrude(height = storey[0], convexity = 10)
                floor_plan(storey[1], storey[2], storey[3], storey[4], storey[5], storey[6]);
    }
    if (len(channel) > 0) cable_channel();
}
