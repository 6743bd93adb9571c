"""Counts the lines of all inputs; run by Snakemake, which provides `snakemake`."""

lines = 0
for path in snakemake.input:
    with open(path) as merged:
        lines += len(merged.readlines())

with open(snakemake.output[0], "w") as report:
    report.write(f"{lines}\n")
