# snakemake ledger --configfile config/ledger.yaml
rule ledger:
    input:
        ledger_runs,
    output:
        f"{RESULTS}/tables/ledger.csv",
        f"{RESULTS}/tables/ledger.md",
    log:
        f"{LOGS}/ledger.log",
    conda:
        "../envs/mazo.yaml"
    params:
        config=CONFIG,
        results=lambda wildcards, output: parent(output[0], level=2),
        code=code_digest("mazo.stages.ledger"),
    shell:
        "mazo ledger --config {params.config:q} --results {params.results:q} --log {log:q}"
