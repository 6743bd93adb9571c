# Texts of every kind: marked up, structured, plain, and a notebook.
import json

report, page, config, stats, notes, fit, book = snakemake.output
with open(report, "w") as out:
    out.write("# Differential expression\n\nThe **treated** samples differ in *212* genes.\n\n| gene | padj |\n|---|---|\n| TP53 | 1e-9 |\n| MYC | 0.01 |\n\n- [x] aligned\n- [ ] annotated\n\n```python\nprint('done')\n```\n\n> Read with care.\n")
with open(page, "w") as out:
    out.write("<!doctype html><title>Report</title><h1>Quality</h1><p id=at>before</p><script>document.getElementById('at').textContent = 'scripts run in here'</script>")
with open(config, "w") as out:
    out.write("samples: samples.tsv\nref:\n  species: mus_musculus\n  build: GRCm39\nparams:\n  star: '--quantMode GeneCounts'\n  threads: 8\n")
with open(stats, "w") as out:
    json.dump({"reads": 18342211, "mapped": 0.9731, "lanes": [{"lane": n, "ok": n != 3} for n in range(1, 5)], "note": None}, out)
with open(notes, "w") as out:
    out.write("first line\nsecond line with größe\n")
with open(fit, "w") as out:
    out.write("import math\n\n\ndef fit(x):\n    # A comment.\n    return math.log(x)\n")
with open(book, "w") as out:
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Exploration\n", "Some *words*."]},
        {"cell_type": "code", "execution_count": 1, "metadata": {}, "source": ["print('hello')"], "outputs": [{"output_type": "stream", "name": "stdout", "text": ["hello\n"]}]},
        {"cell_type": "code", "execution_count": 2, "metadata": {}, "source": ["frame.head()"], "outputs": [{"output_type": "execute_result", "execution_count": 2, "metadata": {}, "data": {"text/html": ["<table><tr><th>a</th></tr><tr><td>41</td></tr></table>"], "text/plain": ["a 41"]}}]},
        {"cell_type": "code", "execution_count": 3, "metadata": {}, "source": ["1/0"], "outputs": [{"output_type": "error", "ename": "ZeroDivisionError", "evalue": "division by zero", "traceback": ["\x1b[31mZeroDivisionError\x1b[0m: division by zero"]}]},
    ]
    json.dump({"cells": cells, "metadata": {"language_info": {"name": "python"}}, "nbformat": 4, "nbformat_minor": 5}, out)
