"""Counts the reads of a sample and fails if there are too few. Writes the result as JSON."""

import json

from common import Log, read_fastq

log = Log(snakemake)
sample, least = snakemake.wildcards.sample, snakemake.params.min_reads

log.take(1, "counting")
reads = read_fastq(snakemake.input[0])
log.say(f"{len(reads)} reads")
if len(reads) < least:
    log.say("few reads: the sample may have been stored too long", "WARN")
    log.fail(f"{sample} has {len(reads)} reads, but at least {least} are needed: set `deeper: true` in config.yaml")

letters = "".join(reads)
found = {
    "sample": sample,
    "reads": len(reads),
    "letters": len(letters),
    "gc": round((letters.count("G") + letters.count("C")) / len(letters), 4),
}
with open(snakemake.output[0], "w") as out:
    json.dump(found, out, indent=2)
log.say("passed")
