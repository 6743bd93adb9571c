# The formats of biology; the BAM is one that htslib wrote.
import gzip
import random
import shutil

random.seed(5)
fasta, fastq, vcf, bed, gff, sam, bam = snakemake.output


def letters(count):
    return "".join(random.choice("ACGT") for _ in range(count))


with open(fasta, "w") as out:
    for name in ("chr1", "chr2", "chrM"):
        out.write(f">{name} assembled\n")
        for _ in range(6):
            out.write(letters(60) + "\n")
with gzip.open(fastq, "wt") as out:
    for n in range(60):
        out.write(f"@read{n} lane=1\n{letters(50)}\n+\n{'I' * 40}{'#' * 10}\n")
with gzip.open(vcf, "wt") as out:
    out.write("##fileformat=VCFv4.2\n##contig=<ID=chr1,length=248956422>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n")
    for n in range(50):
        out.write(f"chr1\t{1000 + n * 37}\t.\tA\tG\t{random.randint(10, 90)}\tPASS\tDP={random.randint(5, 60)}\n")
with open(bed, "w") as out:
    for n in range(20):
        out.write(f"chr1\t{n * 1000}\t{n * 1000 + 400}\tpeak{n}\t{random.randint(0, 1000)}\t+\n")
with open(gff, "w") as out:
    out.write("##gff-version 3\n")
    for n in range(10):
        out.write(f"chr1\thavana\tgene\t{n * 5000 + 1}\t{n * 5000 + 3000}\t.\t+\t.\tID=gene{n};Name=G{n}\n")
with open(sam, "w") as out:
    out.write("@HD\tVN:1.6\n@SQ\tSN:chr1\tLN:248956422\n")
    for n in range(20):
        out.write(f"read{n}\t0\tchr1\t{100 + n}\t60\t10M\t*\t0\t0\t{letters(10)}\tIIIIIIIIII\tNM:i:0\n")
shutil.copy("given/reads.bam", bam)
