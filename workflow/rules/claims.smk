# snakemake claims --cores all --configfile config/mini.yaml
rule probe:
    input:
        data=data_of,
        model=model_of,
        mask=mask_of,
    output:
        f"{RESULTS}/probe/{{model}}/{{mix}}/{{method}}/seed_{{seed}}.json",
    log:
        f"{LOGS}/probe/{{model}}/{{mix}}/{{method}}/seed_{{seed}}.log",
    conda:
        "../envs/mazo.yaml"
    resources:
        mem_mb=per_attempt(MEMORY),
        runtime=per_attempt(MINUTES),
        gpu=gpus_of,
    params:
        config=CONFIG,
        data=DATA,
        mask=mask_option,
        settings=settings("train"),
        code=code_digest("mazo.stages.probe"),
    shell:
        f"mazo probe {CELL} --data {{params.data:q}} {{params.mask}} --out {{output:q}} --log {{log:q}}"


rule claims:
    input:
        claims=f"{workflow.basedir}/config/claims.yaml",
        records=[f"{run}/record.json" for run in RUNS],
        samples=[f"{run}/samples.jsonl" for run in RUNS],
        curves=[f"{run}/curve.csv" for run in TRAINED],
        probes=PROBES,
    output:
        f"{RESULTS}/tables/claims.csv",
        report(
            f"{RESULTS}/tables/claims.md",
            caption="../report/claims.rst",
            category="Claims",
        ),
        f"{RESULTS}/figures/claims.png",
        report(
            f"{RESULTS}/figures/claims.svg",
            caption="../report/claims_figure.rst",
            category="Claims",
        ),
    log:
        f"{LOGS}/claims.log",
    conda:
        "../envs/mazo.yaml"
    params:
        config=CONFIG,
        results=lambda wildcards, output: parent(output[0], level=2),
        settings=[ROWS, COMPARED],
        code=code_digest("mazo.stages.claims"),
    shell:
        "mazo claims --config {params.config:q} --results {params.results:q} --claims {input.claims:q} --log {log:q}"
