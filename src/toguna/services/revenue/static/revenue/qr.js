// A QR code (ISO/IEC 18004) of what a receipt says, made without network: bytes, level L, versions 1 to 10, mask 3.
const CORRECTION = [0, 7, 10, 15, 20, 26, 18, 20, 24, 30, 18], BLOCKS = [0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 4];

function modules(version) { // how many carry data
  const marks = Math.floor(version / 7) + 2;
  const all = (16 * version + 128) * version + 64;
  return version < 2 ? all : all - ((25 * marks - 10) * marks - 55) - (version < 7 ? 0 : 36);
}
const room = (version) => Math.floor(modules(version) / 8) - CORRECTION[version] * BLOCKS[version];

function times(x, y) { // in GF(256), modulo 0x11d
  let product = 0;
  for (let bit = 7; bit >= 0; bit--) product = (product << 1) ^ ((product >>> 7) * 0x11d) ^ (((y >>> bit) & 1) * x);
  return product;
}
function divisor(degree) {
  const found = new Array(degree).fill(0);
  found[degree - 1] = 1;
  for (let n = 0, root = 1; n < degree; n++, root = times(root, 2))
    for (let i = 0; i < degree; i++) found[i] = times(found[i], root) ^ (found[i + 1] ?? 0);
  return found;
}
function remainder(data, by) {
  const found = new Array(by.length).fill(0);
  for (const byte of data) {
    const factor = byte ^ found.shift();
    found.push(0);
    by.forEach((one, i) => { found[i] ^= times(one, factor); });
  }
  return found;
}

function codewords(bytes, version) {
  const bits = [], put = (value, length) => { for (let i = length - 1; i >= 0; i--) bits.push((value >>> i) & 1); };
  put(4, 4);
  put(bytes.length, version < 10 ? 8 : 16);
  bytes.forEach((byte) => put(byte, 8));
  const most = room(version) * 8;
  put(0, Math.min(4, most - bits.length));
  put(0, (8 - bits.length % 8) % 8);
  for (let pad = 0xec; bits.length < most; pad ^= 0xec ^ 0x11) put(pad, 8);
  const data = [];
  for (let i = 0; i < bits.length; i += 8) data.push(parseInt(bits.slice(i, i + 8).join(""), 2));
  const count = BLOCKS[version], all = Math.floor(modules(version) / 8), short = Math.floor(all / count), long = all % count;
  const by = divisor(CORRECTION[version]), parts = [];
  for (let n = 0, at = 0; n < count; n++) {
    const size = short - CORRECTION[version] + (n < count - long ? 0 : 1);
    parts.push([data.slice(at, at + size), remainder(data.slice(at, at + size), by)]);
    at += size;
  }
  const mixed = [], across = (side) => { for (let i = 0; i < Math.max(...parts.map((part) => part[side].length)); i++) parts.forEach((part) => { if (i < part[side].length) mixed.push(part[side][i]); }); };
  across(0);
  across(1);
  return mixed;
}

/** Rows of booleans, true for dark; without the quiet zone. Throws when the text is too long (271 bytes). */
export function qr(text) {
  const bytes = new TextEncoder().encode(text);
  let version = 1;
  while (version <= 10 && bytes.length + (version < 10 ? 2 : 3) > room(version)) version++;
  if (version > 10) throw new RangeError("too long for a QR");
  const size = 17 + 4 * version, dark = Array.from({ length: size }, () => new Array(size).fill(false)), fixed = dark.map((row) => row.slice());
  const set = (x, y, is) => { dark[y][x] = is; fixed[y][x] = true; };
  for (let i = 0; i < size; i++) { set(6, i, i % 2 === 0); set(i, 6, i % 2 === 0); }
  for (const [cx, cy] of [[3, 3], [size - 4, 3], [3, size - 4]])
    for (let dy = -4; dy <= 4; dy++) for (let dx = -4; dx <= 4; dx++) {
      const far = Math.max(Math.abs(dx), Math.abs(dy)), x = cx + dx, y = cy + dy;
      if (x >= 0 && x < size && y >= 0 && y < size) set(x, y, far !== 2 && far !== 4);
    }
  const marks = version === 1 ? [] : [6], many = Math.floor(version / 7) + 2, step = Math.ceil((version * 4 + 4) / (many * 2 - 2)) * 2;
  for (let at = size - 7; version > 1 && marks.length < many; at -= step) marks.splice(1, 0, at);
  marks.forEach((x, i) => marks.forEach((y, j) => {
    const last = marks.length - 1;
    if ((i === 0 && j === 0) || (i === 0 && j === last) || (i === last && j === 0)) return;
    for (let dy = -2; dy <= 2; dy++) for (let dx = -2; dx <= 2; dx++) set(x + dx, y + dy, Math.max(Math.abs(dx), Math.abs(dy)) !== 1);
  }));
  let format = (1 << 3) | 3, rest = format; // level L, mask 3
  for (let i = 0; i < 10; i++) rest = (rest << 1) ^ ((rest >>> 9) * 0x537);
  format = ((format << 10) | rest) ^ 0x5412;
  const bit = (i) => ((format >>> i) & 1) === 1;
  for (let i = 0; i < 6; i++) set(8, i, bit(i));
  set(8, 7, bit(6)); set(8, 8, bit(7)); set(7, 8, bit(8));
  for (let i = 9; i < 15; i++) set(14 - i, 8, bit(i));
  for (let i = 0; i < 8; i++) set(size - 1 - i, 8, bit(i));
  for (let i = 8; i < 15; i++) set(8, size - 15 + i, bit(i));
  set(8, size - 8, true);
  if (version >= 7) {
    let left = version;
    for (let i = 0; i < 12; i++) left = (left << 1) ^ ((left >>> 11) * 0x1f25);
    const about = (version << 12) | left;
    for (let i = 0; i < 18; i++) {
      const is = ((about >>> i) & 1) === 1, a = size - 11 + i % 3, b = Math.floor(i / 3);
      set(a, b, is); set(b, a, is);
    }
  }
  const data = codewords(bytes, version);
  let n = 0;
  for (let right = size - 1; right >= 1; right -= 2) {
    if (right === 6) right = 5;
    for (let down = 0; down < size; down++) for (let j = 0; j < 2; j++) {
      const x = right - j, y = ((right + 1) & 2) === 0 ? size - 1 - down : down;
      if (fixed[y][x]) continue;
      if (n < data.length * 8) { dark[y][x] = ((data[n >>> 3] >>> (7 - (n & 7))) & 1) === 1; n++; }
      if ((x + y) % 3 === 0) dark[y][x] = !dark[y][x];
    }
  }
  return dark;
}

/** The code as an SVG element. */
export function drawn(text, label) {
  const rows = qr(text), edge = 4, wide = rows.length + 2 * edge, space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg"), ground = document.createElementNS(space, "rect"), path = document.createElementNS(space, "path");
  svg.setAttribute("viewBox", `0 0 ${wide} ${wide}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  svg.setAttribute("class", "qr");
  Object.entries({ width: wide, height: wide, fill: "#fff" }).forEach(([name, value]) => ground.setAttribute(name, value));
  path.setAttribute("d", rows.map((row, y) => row.map((is, x) => (is ? `M${x + edge} ${y + edge}h1v1h-1z` : "")).join("")).join(""));
  path.setAttribute("fill", "#000");
  svg.append(ground, path);
  return svg;
}
