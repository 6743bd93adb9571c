# Archives, and something that is no text.
import tarfile
import zipfile

with zipfile.ZipFile(snakemake.output[0], "w") as archive:
    archive.writestr("bundle/readme.txt", "hello " * 100)
    archive.writestr("bundle/data.csv", "a,b\n1,2\n")
with tarfile.open(snakemake.output[1], "w:gz") as archive:
    archive.add("given/counts.parquet", "bundle/counts.parquet")
with open(snakemake.output[2], "wb") as out:
    out.write(b"RDX3\n\0\0\0\3" + bytes(range(200)))
