# snakemake tune --configfile config/mini_full.yaml
rule tune:
    input:
        trials,
    output:
        f"{RESULTS}/tables/tuning.csv",
        f"{RESULTS}/tables/tuning.md",
        f"{RESULTS}/tables/tuned.yaml",
    log:
        f"{LOGS}/tuning.log",
    conda:
        "../envs/mazo.yaml"
    params:
        config=CONFIG,
        results=lambda wildcards, output: parent(output[0], level=2),
        code=code_digest("mazo.stages.tuning"),
    shell:
        "mazo tuning --config {params.config:q} --results {params.results:q} --log {log:q}"


rule trials:
    input:
        data=lambda wildcards: [
            f"{DATA}/{task}/report.json" for task in SUITE.mixes[wildcards.mix]
        ],
        model=lambda wildcards: model_files(SUITE.models[wildcards.model]),
    output:
        f"{RESULTS}/tune/{{model}}/{{mix}}/{{tuned}}.json",
    log:
        f"{LOGS}/tune/{{model}}/{{mix}}/{{tuned}}.log",
    conda:
        "../envs/mazo.yaml"
    resources:
        mem_mb=per_attempt(MEMORY),
        runtime=per_attempt(TRAINING_MINUTES),
        gpu=gpus_of,
    params:
        config=CONFIG,
        data=DATA,
        settings=tune_settings,
        code=code_digest("mazo.stages.tune"),
    shell:
        "mazo tune --config {params.config:q} --model {wildcards.model:q} --mix {wildcards.mix:q}"
        " --method {wildcards.tuned:q} --data {params.data:q} --out {output:q} --log {log:q}"
