"""Makes up the reads of a sample: pieces of the genome with the sample's own variants. Writes gzipped FASTQ."""

import gzip
import random

from common import Log, read_fasta

READ = 100

log = Log(snakemake)
sample = snakemake.wildcards.sample
chance = random.Random(sample)  # The same reads at every run.

genome = list(read_fasta(snakemake.input[0]))
for at in chance.sample(range(len(genome)), 18):
    genome[at] = chance.choice([letter for letter in "ACGT" if letter != genome[at]])
genome = "".join(genome)

log.take(1.6, f"sequencing {snakemake.params.reads} reads")
with gzip.open(snakemake.output[0], "wt") as out:
    for number in range(snakemake.params.reads):
        start = chance.randrange(len(genome) - READ)
        quality = "".join(chance.choices("FI:#", weights=[60, 30, 9, 1], k=READ))
        out.write(f"@{sample}.{number}\n{genome[start:start + READ]}\n+\n{quality}\n")
log.say("done")
