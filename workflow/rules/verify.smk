# snakemake verify: the suite, then its main table against the one in results/reference/
rule verify:
    input:
        fresh=f"{RESULTS}/tables/main.csv",
    log:
        f"{LOGS}/verify.log",
    conda:
        "../envs/mazo.yaml"
    params:
        reference=f"{workflow.basedir}/results/reference/{SUITE.suite}",
        results=lambda wildcards, input: parent(input.fresh, level=2),
    shell:
        "mazo verify --reference {params.reference:q} --results {params.results:q} 2>&1 | tee {log:q}"
