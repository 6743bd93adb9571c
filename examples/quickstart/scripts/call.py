"""Places the reads on the genome, counts letters at each position, and writes depth as CSV and variants as VCF."""

import csv
from collections import Counter

from common import Log, read_fasta, read_fastq

WORD = 20  # Letters that must match to place a read.

log = Log(snakemake)
genome = read_fasta(snakemake.input.reference)
reads = read_fastq(snakemake.input.reads)
places = {genome[at : at + WORD]: at for at in range(len(genome) - WORD)}

log.take(2, "placing reads")
seen = [Counter() for _ in genome]
lost = 0
for read in reads:
    # A variant spoils the words it lies in; then another word of the read tells the place.
    starts = [places[word] - at for at in (0, 40, 80) if (word := read[at : at + WORD]) in places]
    if not starts:
        lost += 1
        continue
    for at, letter in enumerate(read):
        if 0 <= starts[0] + at < len(genome):
            seen[starts[0] + at][letter] += 1
if lost:
    log.say(f"{lost} reads fit nowhere", "WARN")

with open(snakemake.output.depth, "w", newline="") as out:
    table = csv.writer(out)
    table.writerow(["position", "depth", "reference", "most_frequent", "share"])
    for at in range(0, len(genome), 10):
        depth = seen[at].total()
        letter, count = seen[at].most_common(1)[0] if depth else ("", 0)
        table.writerow([at + 1, depth, genome[at], letter, round(count / depth, 3) if depth else ""])

calls = 0
with open(snakemake.output.calls, "w") as out:
    out.write("##fileformat=VCFv4.3\n")
    out.write(f"##contig=<ID=chr1,length={len(genome)}>\n")
    out.write('##INFO=<ID=DP,Number=1,Type=Integer,Description="Reads at this position">\n')
    out.write("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n")
    for at, counts in enumerate(seen):
        depth = counts.total()
        letter, count = counts.most_common(1)[0] if depth else ("", 0)
        if depth >= 4 and letter != genome[at] and count > 0.8 * depth:
            out.write(f"chr1\t{at + 1}\t.\t{genome[at]}\t{letter}\t{min(10 * depth, 99)}\tPASS\tDP={depth}\n")
            calls += 1
log.say(f"{calls} variants")
