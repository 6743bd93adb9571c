"""Makes up a genome of one short chromosome and writes it as FASTA."""

import random

from common import Log

LENGTH = 6_000

log = Log(snakemake)
log.take(1, f"writing {LENGTH} letters")
letters = "".join(random.Random(1).choices("ACGT", weights=[3, 2, 2, 3], k=LENGTH))
with open(snakemake.output[0], "w") as out:
    out.write(">chr1 made up for the quickstart\n")
    for at in range(0, LENGTH, 60):
        out.write(letters[at : at + 60] + "\n")
log.say("done")
