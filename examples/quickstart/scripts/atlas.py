"""Draws the genes along the genome, as an HTML page without further files."""

import json

from common import Log, read_fasta

log = Log(snakemake)
log.take(1, "drawing")
genome = read_fasta(snakemake.input.reference)
with open(snakemake.input.genes) as text:
    genes = json.load(text)["genes"]

scale = 900 / len(genome)
shapes, rows = [], []
for gene in genes:
    start, end = gene["start"], gene["end"]
    letters = genome[start - 1 : end]
    share = (letters.count("G") + letters.count("C")) / len(letters)
    left, high = start * scale, 20 if gene["strand"] == "+" else 60
    colour = "#2a78d6" if gene["strand"] == "+" else "#d6722a"
    shapes.append(
        f'<rect x="{left:.0f}" y="{high}" width="{(end - start) * scale:.0f}" height="24" rx="4" fill="{colour}"/>'
        f'<text x="{left + 6:.0f}" y="{high + 16}" fill="white">{gene["name"]}</text>'
    )
    rows.append(f'<tr><td>{gene["name"]}<td>{start}–{end}<td>{gene["strand"]}<td>{share:.0%}')

with open(snakemake.output[0], "w", encoding="utf-8") as out:
    out.write(f"""<!doctype html>
<meta charset="utf-8">
<title>Atlas</title>
<style>body {{ font: 15px sans-serif; margin: 2em }} td, th {{ padding: 4px 16px 4px 0; text-align: left }}</style>
<h1>Genes of chr1</h1>
<svg width="900" height="100" font-family="sans-serif" font-size="12">
<line x1="0" x2="900" y1="52" y2="52" stroke="#888"/>{"".join(shapes)}
</svg>
<table><tr><th>gene<th>place<th>strand<th>G and C{"".join(rows)}</table>
""")
log.say(f"{len(genes)} genes on {len(genome)} letters")
