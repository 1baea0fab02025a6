# snakemake plan --configfile config/paper_llama2_7b.yaml: before anything runs, with no weight loaded
rule plan:
    output:
        f"{RESULTS}/plan/plan.md",
        f"{RESULTS}/plan/plan.csv",
    log:
        f"{LOGS}/plan.log",
    conda:
        "../envs/mazo.yaml"
    params:
        config=CONFIG,
        results=lambda wildcards, output: parent(output[0], level=2),
        folder=lambda wildcards, output: parent(output[0], level=1),
        settings=settings_digest(SUITE.model_dump(mode="json")),
        code=code_digest("mazo.stages.plan"),
    shell:
        "mazo plan --config {params.config:q} --results {params.results:q} --out {params.folder:q} --log {log:q}"
