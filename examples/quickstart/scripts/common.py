"""Shared by the scripts: a log that grows while a job runs, and readers of three formats."""

import gzip
import sys
import time


class Log:
    """The job's log. Whatever ends the script ends up in it, too."""

    def __init__(self, snakemake):
        self.out = open(snakemake.log[0], "w", buffering=1)
        self.pace = float(snakemake.config["pace"])
        sys.stderr = self.out

    def say(self, text, level="INFO"):
        self.out.write(f"{time.strftime('%H:%M:%S')} {level:5} {text}\n")

    def take(self, seconds, what):
        """Stands for longer work: says four times how far it is."""
        for step in range(1, 5):
            time.sleep(seconds * self.pace / 4)
            self.say(f"{what}: {step * 25} %")

    def fail(self, text):
        self.say(text, "ERROR")
        sys.exit(1)


def read_fasta(path):
    """The one sequence of a file."""
    with open(path) as lines:
        return "".join(line.strip() for line in lines if not line.startswith(">"))


def read_fastq(path):
    """The sequences of all reads."""
    with gzip.open(path, "rt") as lines:
        return [line.strip() for at, line in enumerate(lines) if at % 4 == 1]


def read_vcf(path):
    """Position, reference and alternative of all calls."""
    with open(path) as lines:
        calls = [line.split("\t") for line in lines if not line.startswith("#")]
    return [(int(call[1]), call[3], call[4]) for call in calls]
