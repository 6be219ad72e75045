// A receipt for a printer of rolls, made without network: ESC/POS in the printer's own letters, or as a picture where it lacks some.
import { qr } from "./qr.js";

const LETTERS = 32, DOTS = 384; // of a roll of 58 mm
const HIGH = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ"; // Windows-1252, from 0x80
const plain = (text) => text.replace(/[\s\u202f\u00a0]+/g, " ").replace(/[’‘]/g, "'").replace(/[“”]/g, '"').replace(/[–—]/g, "-").trim();

function code(letter) {
  const n = letter.codePointAt(0);
  if (n < 0x80 || (n >= 0xa0 && n <= 0xff)) return n;
  const high = HIGH.indexOf(letter);
  return high >= 0 ? 0x80 + high : null;
}
/** Whether a printer can write every letter of it by itself. */
export const legible = (text) => [...plain(text)].every((letter) => code(letter) !== null);
const encoded = (text) => [...text].flatMap((letter) => (letter === "\n" ? [10] : code(letter) ?? 63));

function wrapped(text, width) {
  const rows = [""];
  for (let word of plain(text).split(" ")) {
    for (; word.length > width; word = word.slice(width)) rows.push(word.slice(0, width));
    if (rows.at(-1).length + word.length + (rows.at(-1) ? 1 : 0) > width) rows.push("");
    rows[rows.length - 1] += (rows.at(-1) ? " " : "") + word;
  }
  return rows.filter(Boolean);
}
function pair(left, right, width) {
  const rows = wrapped(left, width), said = plain(right);
  if (!rows.length || rows.at(-1).length + said.length >= width) return [...rows, ...wrapped(said, width).map((row) => row.padStart(width))];
  rows[rows.length - 1] += said.padStart(width - rows.at(-1).length);
  return rows;
}

/** The lines of a slip: {heads, marks, facts: [[label, words]], lines: [[words, amount]], total: [word, amount], check, address}. */
export function lines(slip, width = LETTERS) {
  const rule = "-".repeat(width);
  return [
    ...[...slip.heads, ...slip.marks.map((mark) => `** ${mark} **`)].flatMap((text) => wrapped(text, width)), rule,
    ...slip.facts.flatMap(([label, said]) => pair(label, said, width)), rule,
    ...slip.lines.flatMap(([words, amount]) => pair(words, amount, width)), rule, ...pair(...slip.total, width),
  ];
}

/** ESC/POS bytes of a slip with its QR. */
export function roll(slip) {
  const end = [...wrapped(slip.check, LETTERS), ...wrapped(slip.address, LETTERS)], rows = lines(slip);
  if (![...rows, ...end].every(legible)) return picture(slip, rows, end);
  const data = new TextEncoder().encode(slip.qr), length = data.length + 3;
  return Uint8Array.from([
    0x1b, 0x40, 0x1b, 0x74, 16, ...encoded(`${rows.join("\n")}\n`), 0x1b, 0x61, 1,
    0x1d, 0x28, 0x6b, 4, 0, 0x31, 0x41, 0x32, 0, 0x1d, 0x28, 0x6b, 3, 0, 0x31, 0x43, 4, 0x1d, 0x28, 0x6b, 3, 0, 0x31, 0x45, 0x30,
    0x1d, 0x28, 0x6b, length & 255, length >> 8, 0x31, 0x50, 0x30, ...data, 0x1d, 0x28, 0x6b, 3, 0, 0x31, 0x51, 0x30,
    ...encoded(`\n${end.join("\n")}\n`), 0x1b, 0x61, 0, 10, 10, 10, 10, 0x1d, 0x56, 1,
  ]);
}

function picture(slip, rows, end) {
  const high = 26, modules = qr(slip.qr), dot = Math.floor(DOTS * 0.7 / modules.length), edge = Math.floor((DOTS - dot * modules.length) / 2);
  const canvas = Object.assign(document.createElement("canvas"), { width: DOTS, height: (rows.length + end.length + 2) * high + dot * modules.length });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.fillStyle = "#fff"; pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.fillStyle = "#000"; pen.font = "19px monospace"; pen.textBaseline = "top";
  let y = 0;
  for (const row of rows) { pen.fillText(row, 2, y, DOTS - 4); y += high; }
  modules.forEach((line, j) => line.forEach((is, i) => { if (is) pen.fillRect(edge + i * dot, y + high / 2 + j * dot, dot, dot); }));
  y += high + dot * modules.length;
  for (const row of end) { pen.fillText(row, 2, y, DOTS - 4); y += high; }
  const { data } = pen.getImageData(0, 0, DOTS, canvas.height), made = [0x1b, 0x40], strip = 240;
  for (let top = 0; top < canvas.height; top += strip) { // in strips, so that printers with little memory keep up
    const count = Math.min(strip, canvas.height - top);
    made.push(0x1d, 0x76, 0x30, 0, DOTS / 8, 0, count & 255, count >> 8);
    for (let row = top; row < top + count; row++) for (let x = 0; x < DOTS; x += 8) {
      let byte = 0;
      for (let bit = 0; bit < 8; bit++) if (data[(row * DOTS + x + bit) * 4] < 160) byte |= 0x80 >> bit;
      made.push(byte);
    }
  }
  return Uint8Array.from([...made, 10, 10, 10, 10, 0x1d, 0x56, 1]);
}

/** The address that the app RawBT prints by. */
export function rawbt(bytes) {
  let text = "";
  bytes.forEach((byte) => { text += String.fromCharCode(byte); });
  return `rawbt:base64,${btoa(text)}`;
}
