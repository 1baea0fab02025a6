# The embedded models from nothing (an hour or two each), and the measurements of their cards.
rule mini_model:
    input:
        expand(
            "results/mini_model/{architecture}/model.safetensors",
            architecture=["llama", "mistral"],
        ),


rule pretrain:
    output:
        "results/mini_model/{architecture}/model.safetensors",
        "results/mini_model/{architecture}/tokenizer.json",
        "results/mini_model/{architecture}/pretraining.csv",
    log:
        "results/mini_model/{architecture}.log",
    wildcard_constraints:
        architecture="llama|mistral",
    conda:
        "../envs/mazo.yaml"
    threads: 2
    resources:
        mem_mb=per_attempt(MEMORY),
        runtime=per_attempt(TRAINING_MINUTES),
    params:
        folder=lambda wildcards, output: parent(output[0], level=1),
        code=code_digest("mazo.stages.pretrain"),
    shell:
        "mazo pretrain --architecture {wildcards.architecture:q} --out {params.folder:q} --log {log:q}"


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
    resources:
        mem_mb=per_attempt(MEMORY),
        runtime=per_attempt(MINUTES),
        gpu=gpus_of,
    params:
        config=CONFIG,
        data=DATA,
        seed=SUITE.seeds[0],
        code=code_digest("mazo.stages.conflict"),
    shell:
        "mazo conflict --config {params.config:q} --model {wildcards.model:q} --mix {wildcards.mix:q}"
        " --data {params.data:q} --out {output:q} --log {log:q}"


# snakemake mini_card --configfile config/mini_card.yaml
rule mini_card:
    input:
        expand(f"{RESULTS}/card/{{model}}.md", model=SUITE.models),


rule card:
    input:
        table=f"{RESULTS}/tables/main.csv",
        conflict=f"{RESULTS}/conflict/{{model}}/all.json",
    output:
        f"{RESULTS}/card/{{model}}.md",
    log:
        f"{LOGS}/card/{{model}}.log",
    conda:
        "../envs/mazo.yaml"
    params:
        config=CONFIG,
        code=code_digest("mazo.stages.card"),
    shell:
        "mazo card --config {params.config:q} --model {wildcards.model:q} --table {input.table:q}"
        " --conflict {input.conflict:q} --out {output:q} --log {log:q}"
