"""Compares all samples, as a table and as an HTML page."""

import json
from pathlib import Path

from common import Log, read_vcf

log = Log(snakemake)
log.take(1, "comparing")
rows = []
for check, calls in zip(snakemake.input.checks, snakemake.input.calls):
    found = json.loads(Path(check).read_text())
    rows.append((found["sample"], found["reads"], found["gc"], len(read_vcf(calls))))

with open(snakemake.output.table, "w") as out:
    out.write("sample\treads\tgc\tvariants\n")
    for row in rows:
        out.write("\t".join(map(str, row)) + "\n")

cells = "".join(f"<tr><td>{name}<td>{reads}<td>{gc:.1%}<td>{variants}" for name, reads, gc, variants in rows)
with open(snakemake.output.page, "w", encoding="utf-8") as out:
    out.write(f"""<!doctype html>
<meta charset="utf-8">
<title>Overview</title>
<style>body {{ font: 15px sans-serif; margin: 2em }} td, th {{ padding: 4px 16px 4px 0; text-align: left }}</style>
<h1>All samples</h1>
<table><tr><th>sample<th>reads<th>G and C<th>variants{cells}</table>
""")
log.say(f"{len(rows)} samples")
