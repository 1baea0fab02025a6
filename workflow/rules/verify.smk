# snakemake verify: the suite, then its scores, differences and ranks against those in results/reference/
rule verify:
    input:
        fresh=multiext(f"{RESULTS}/tables/", "main.csv", "comparison.csv", "ranks.csv"),
    log:
        f"{LOGS}/verify.log",
    conda:
        "../envs/mazo.yaml"
    params:
        reference=REFERENCE,
        results=lambda wildcards, input: parent(input.fresh[0], level=2),
    shell:
        "mazo verify --reference {params.reference:q} --results {params.results:q} 2>&1 | tee {log:q}"


# snakemake pack: what the tables, figures and claims are made from, as one small file for results/reference/
rule pack:
    input:
        [f"{run}/record.json" for run in RUNS],
        [f"{run}/samples.jsonl" for run in RUNS],
        [f"{run}/{file}" for run in TRAINED for file in ("train.json", "curve.csv")],
        [f"{DATA}/{task}/report.json" for task in SUITE.tasks],
        [f"{DATA}/lengths/{model}.json" for model in SUITE.models],
        PROBES,
        claims=f"{workflow.basedir}/config/claims.yaml",
        published=f"{workflow.basedir}/config/published.yaml",
    output:
        f"{RESULTS}/{PACK}",
    log:
        f"{LOGS}/pack.log",
    conda:
        "../envs/mazo.yaml"
    params:
        config=CONFIG,
        results=lambda wildcards, output: parent(output[0], level=1),
        settings=settings_digest(SUITE.model_dump(mode="json")),
        code=code_digest("mazo.stages.pack"),
    shell:
        "mazo pack --config {params.config:q} --results {params.results:q} --claims {input.claims:q}"
        " --published {input.published:q} --out {output:q} --log {log:q}"


# snakemake regenerate: tables and figures from the committed pack alone, the tables against the committed ones byte for byte
rule regenerate:
    input:
        f"{REFERENCE}/{PACK}",
    log:
        f"{LOGS}/regenerate.log",
    conda:
        "../envs/mazo.yaml"
    params:
        reference=lambda wildcards, input: parent(input[0], level=1),
        folder=f"{RESULTS}/regenerated",
    shell:
        "rm -rf {params.folder:q}; mazo regenerate --records {input:q} --reference {params.reference:q}"
        " --out {params.folder:q} 2>&1 | tee {log:q}"
