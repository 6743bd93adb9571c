# A function of the input that fails: so does the run, before its first job.


rule all:
    input:
        "q.txt",


rule a:
    output:
        "q.txt",
    input:
        lambda w: config["samples"]["x"],
    shell:
        "touch {output}"
