"""Asks an invented, unreliable server where the genes are, and writes its answer as JSON."""

import json

from common import Log

NAMES = ["abcA", "dnaK", "gyrB", "lacZ", "recA", "rpoB"]

log = Log(snakemake)
log.say(f"attempt {snakemake.resources.attempt}: asking the annotation server")
log.take(1, "waiting for an answer")
if snakemake.resources.attempt == 1:
    log.fail("the annotation server did not answer; the next attempt will succeed")

genes = [
    {"name": name, "start": 300 + 950 * at, "end": 300 + 950 * at + 500 + 60 * at, "strand": "+-"[at % 2]}
    for at, name in enumerate(NAMES)
]
with open(snakemake.output[0], "w") as out:
    json.dump({"chromosome": "chr1", "genes": genes}, out, indent=2)
log.say(f"{len(genes)} genes")
