# A command that cannot be formatted: its job is announced and never described.


rule all:
    input:
        "z.txt",


rule a:
    output:
        "z.txt",
    shell:
        "touch {output} {params.nope}"
