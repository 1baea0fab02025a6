# The embedded model from nothing (an hour or two), and the measurements of its card.
rule mini_model:
    output:
        "results/mini_model/llama/model.safetensors",
        "results/mini_model/llama/tokenizer.json",
        "results/mini_model/llama/pretraining.csv",
    log:
        "results/mini_model/llama.log",
    conda:
        "../envs/mazo.yaml"
    threads: 2
    params:
        folder=lambda wildcards, output: parent(output[0], level=1),
        code=code_digest("mazo.stages.pretrain"),
    shell:
        "mazo pretrain --out {params.folder} --log {log}"


rule conflict:
    input:
        data=lambda wildcards: [
            f"{DATA}/{task}/report.json" for task in SUITE.mixes[wildcards.mix]
        ],
        model=lambda wildcards: model_files(SUITE.models[wildcards.model]),
    output:
        f"{RESULTS}/conflict/{{model}}/{{mix}}.json",
    log:
        f"{LOGS}/conflict/{{model}}/{{mix}}.log",
    conda:
        "../envs/mazo.yaml"
    params:
        config=CONFIG,
        data=DATA,
        seed=SUITE.seeds[0],
        code=code_digest("mazo.stages.conflict"),
    shell:
        "mazo conflict --config {params.config} --model {wildcards.model} --mix {wildcards.mix}"
        " --data {params.data} --out {output} --log {log}"


# snakemake mini_card --configfile config/mini_card.yaml
rule mini_card:
    input:
        table=f"{RESULTS}/tables/main.csv",
        conflict=f"{RESULTS}/conflict/mini-llama/all.json",
    output:
        f"{RESULTS}/card.md",
    log:
        f"{LOGS}/card.log",
    conda:
        "../envs/mazo.yaml"
    params:
        code=code_digest("mazo.stages.card"),
    shell:
        "mazo card --table {input.table} --conflict {input.conflict} --out {output} --log {log}"
