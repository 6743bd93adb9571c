"""Writes the report of a sample as Markdown, with its picture."""

import json

from common import Log, read_vcf

log = Log(snakemake)
log.take(0.6, "writing")
with open(snakemake.input.check) as text:
    check = json.load(text)
calls = read_vcf(snakemake.input.calls)

with open(snakemake.output[0], "w") as out:
    out.write(f"# {check['sample']}\n\n")
    out.write(f"**{len(calls)} variants** from {check['reads']} reads; {check['gc']:.1%} of the letters are G or C.\n\n")
    out.write(f"![Depth along the genome](../plots/{check['sample']}.png)\n\n")
    out.write("| position | change |\n|---:|---|\n")
    for position, reference, alternative in calls:
        out.write(f"| {position} | {reference} → {alternative} |\n")
log.say("done")
