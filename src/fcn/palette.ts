/** Colours of labels. */

/**
 * PASCAL VOC's palette: 256 RGB triples. Bits 0, 1, 2 of the label are the highest bits of red, green, blue, bits 3, 4, 5 the next, and so on (fcn.md 2.3;
 * fcn.berkeleyvision.org vis.py, make_palette). 0 is black, 255 (void) nearly white.
 */
export function vocPalette(): Uint8Array {
  const palette = new Uint8Array(3 * 256);
  for (let label = 0; label < 256; label++) {
    for (let bit = 0; bit < 8; bit++) palette[3 * label + (bit % 3)]! |= ((label >> bit) & 1) << (7 - Math.floor(bit / 3));
  }
  return palette;
}
