"""Prints lines of JSON: what `repr` makes of a random value, and that value as the reader of literals has it."""

import json
import math
import random
import sys

seed, count = int(sys.argv[1]), int(sys.argv[2])
rnd = random.Random(seed)
LETTERS = ["'", '"', "\\", "\n", "\r", "\t", "\0", "\x07", "\x7f", "\xa0", "\xad", "é", "ß", "中", "\u200b", "\u2028", "\ufeff",
           "😀", "\U000e0001", "\ud800", "\udfff", "{", "}", "[", "]", "(", ")", ",", ":", " ", "a", "b", "n", "x", "u", "0", "7", "#", "$"]


def text():
    return "".join(rnd.choice(LETTERS) if rnd.random() < 0.7 else chr(rnd.randrange(0x20, 0x250)) for _ in range(rnd.randrange(0, 14)))


def value(depth):
    kind = rnd.randrange(14 if depth < 5 else 8)
    if kind == 0: return None
    if kind == 1: return rnd.random() < 0.5
    if kind == 2: return rnd.choice([0, -1, 1, 10**18, -10**18, 2**63, 2**64 - 1, 2**64, -2**63 - 1, 10**40, rnd.randrange(-10**6, 10**6)])
    if kind == 3: return rnd.choice([0.0, -0.0, 1e16, 1e-7, 5e-324, 1.7976931348623157e308, math.inf, -math.inf, math.nan, rnd.random(), rnd.uniform(-1e9, 1e9)])
    if kind == 4: return bytes(rnd.randrange(256) for _ in range(rnd.randrange(0, 8)))
    if kind < 8: return text()
    many = range(rnd.randrange(0, 5))
    if kind < 10: return [value(depth + 1) for _ in many]
    if kind == 10: return tuple(value(depth + 1) for _ in many)
    if kind == 11: return rnd.choice([set, frozenset])(rnd.choice([text(), rnd.randrange(99), True]) for _ in many)
    if rnd.random() < 0.8: return {text(): value(depth + 1) for _ in many}
    return {rnd.randrange(-99, 99): value(depth + 1) for _ in many}


def clean(text):
    return "".join("\ufffd" if 0xd800 <= ord(c) <= 0xdfff else c for c in text)


def wanted(v):
    if v is None or isinstance(v, bool): return v
    if isinstance(v, int): return v if -2**63 <= v < 2**64 else str(v)
    if isinstance(v, float): return {"float": repr(v)} if math.isfinite(v) else repr(v)
    if isinstance(v, bytes): return v.decode("latin-1")
    if isinstance(v, str): return clean(v)
    if isinstance(v, dict): return {"dict": [[clean(k) if isinstance(k, str) else str(k), wanted(x)] for k, x in v.items()]}
    return [wanted(x) for x in v]


for _ in range(count):
    v = value(0)
    try:
        shown = repr(v)
        shown.encode("utf-8")
    except UnicodeEncodeError:
        continue
    print(json.dumps([shown, wanted(v)]))
