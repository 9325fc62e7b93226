// Makes a picture of a screen smaller: few colours, and the strongest compression. Takes what Chromium writes: eight
// bits for each of red, green and blue, and perhaps an alpha that says nothing.

import { crc32, deflateSync, inflateSync } from "node:zlib";

const SIGNATURE = Buffer.from("89504e470d0a1a0a", "hex");
const COLOURS_MAX = 128;

/** A PNG with a palette that looks the same: the colours of most of its area are kept, others become the nearest. */
export function smaller(png) {
  const { width, height, depth, rows } = read(png);
  const colours = rows.map((row) => Uint32Array.from({ length: width }, (_, x) => row.readUIntBE(x * depth, 3)));
  const counts = new Map();
  for (const line of colours) for (const colour of line) counts.set(colour, (counts.get(colour) ?? 0) + 1);
  const palette = [...counts].sort(([, a], [, b]) => b - a).slice(0, COLOURS_MAX).map(([colour]) => colour);
  const places = new Map(palette.map((colour, place) => [colour, place]));
  for (const colour of counts.keys()) if (!places.has(colour)) places.set(colour, nearest(palette, colour));
  return write(width, height, palette, colours.map((line) => Buffer.from(line.map((colour) => places.get(colour)))));
}

function nearest(palette, colour) {
  const parts = (of) => [of >> 16, (of >> 8) & 0xff, of & 0xff];
  const wanted = parts(colour);
  const distance = (other) => parts(other).reduce((sum, part, at) => sum + (part - wanted[at]) ** 2, 0);
  return palette.reduce((best, other, place) => (distance(other) < distance(palette[best]) ? place : best), 0);
}

function read(png) {
  const data = [];
  let header;
  for (let at = SIGNATURE.length; at < png.length;) {
    const length = png.readUInt32BE(at);
    const kind = png.toString("latin1", at + 4, at + 8);
    const body = png.subarray(at + 8, at + 8 + length);
    if (kind === "IHDR") header = body;
    if (kind === "IDAT") data.push(body);
    at += 12 + length;
  }
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const depth = { 2: 3, 6: 4 }[header[9]];
  if (header[8] !== 8 || !depth || header[12] !== 0) throw new Error("not a picture that Chromium writes");
  const raw = inflateSync(Buffer.concat(data));
  const rows = [];
  for (let y = 0; y < height; y += 1) {
    const begin = y * (width * depth + 1);
    rows.push(unfiltered(raw[begin], raw.subarray(begin + 1, begin + 1 + width * depth), rows[y - 1], depth));
  }
  return { width, height, depth, rows };
}

function unfiltered(filter, line, above, depth) {
  const row = Buffer.from(line);
  for (let x = 0; x < row.length; x += 1) {
    const left = x >= depth ? row[x - depth] : 0;
    const up = above ? above[x] : 0;
    const corner = above && x >= depth ? above[x - depth] : 0;
    row[x] += [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter];
  }
  return row;
}

function paeth(left, up, corner) {
  const guess = left + up - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}

function write(width, height, palette, lines) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8;
  header[9] = 3;
  const raw = Buffer.concat(lines.flatMap((line) => [Buffer.of(0), line]));
  const colours = Buffer.concat(palette.map((colour) => Buffer.of(colour >> 16, colour >> 8, colour)));
  const data = deflateSync(raw, { level: 9, memLevel: 9 });
  const parts = [["IHDR", header], ["PLTE", colours], ["IDAT", data], ["IEND", Buffer.alloc(0)]];
  return Buffer.concat([SIGNATURE, ...parts.map(([kind, body]) => chunk(kind, body))]);
}

function chunk(kind, body) {
  const named = Buffer.concat([Buffer.from(kind, "latin1"), body]);
  const part = Buffer.alloc(8 + named.length);
  part.writeUInt32BE(body.length, 0);
  named.copy(part, 4);
  part.writeUInt32BE(crc32(named), 4 + named.length);
  return part;
}
