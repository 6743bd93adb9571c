"""Draws the depth along the genome as a PNG, with nothing but the standard library."""

import csv
import struct
import zlib

from common import Log

WIDE, HIGH, MARGIN = 640, 200, 10
PAPER, GRID, BAR = b"\xff\xff\xff", b"\xdd\xdd\xdd", b"\x2a\x78\xd6"

log = Log(snakemake)
log.take(0.8, "drawing")
with open(snakemake.input[0]) as table:
    depths = [int(row["depth"]) for row in csv.DictReader(table)]
most = max(depths)

rows = [[PAPER] * WIDE for _ in range(HIGH)]
inner = HIGH - 2 * MARGIN
for quarter in range(5):
    rows[MARGIN + inner * quarter // 4] = [GRID] * WIDE
for x in range(MARGIN, WIDE - MARGIN):
    depth = depths[(x - MARGIN) * len(depths) // (WIDE - 2 * MARGIN)]
    for y in range(inner * depth // most):
        rows[HIGH - MARGIN - 1 - y][x] = BAR


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


# Eight bits a channel, three channels; each row begins with the number of its filter, which is none.
head = struct.pack(">IIBBBBB", WIDE, HIGH, 8, 2, 0, 0, 0)
body = zlib.compress(b"".join(b"\0" + b"".join(row) for row in rows))
with open(snakemake.output[0], "wb") as out:
    out.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b""))
log.say(f"{WIDE} by {HIGH} pixels, at most {most} reads deep")
