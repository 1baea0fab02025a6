rule prepare:
    output:
        f"{DATA}/{{task}}/train.jsonl",
        f"{DATA}/{{task}}/dev.jsonl",
        f"{DATA}/{{task}}/test.jsonl",
        f"{DATA}/{{task}}/report.json",
    log:
        f"{LOGS}/prepare/{{task}}.log",
    conda:
        "../envs/mazo.yaml"
    params:
        config=CONFIG,
        folder=lambda wildcards, output: parent(output[0], level=2),
        settings=data_settings,
        code=code_digest("mazo.stages.prepare"),
    shell:
        "mazo prepare --config {params.config:q} --task {wildcards.task:q} --out {params.folder:q} --log {log:q}"


rule lengths:
    input:
        data=[f"{DATA}/{task}/report.json" for task in SUITE.tasks],
        model=lambda wildcards: model_files(SUITE.models[wildcards.model]),
    output:
        f"{DATA}/lengths/{{model}}.json",
    log:
        f"{LOGS}/lengths/{{model}}.log",
    conda:
        "../envs/mazo.yaml"
    params:
        config=CONFIG,
        data=lambda wildcards, output: parent(output[0], level=2),
        settings=lambda wildcards: settings_digest(
            [
                SUITE.models[wildcards.model].model_dump(mode="json"),
                SUITE.tasks,
                SUITE.evaluation.max_new_tokens,
            ]
        ),
        code=code_digest("mazo.stages.lengths"),
    shell:
        "mazo lengths --config {params.config:q} --model {wildcards.model:q} --data {params.data:q} --out {output:q} --log {log:q}"


rule sizes:
    input:
        [f"{DATA}/{task}/report.json" for task in SUITE.tasks],
        [f"{DATA}/lengths/{model}.json" for model in SUITE.models],
    output:
        multiext(f"{RESULTS}/tables/data", ".csv", ".tex"),
        report(
            f"{RESULTS}/tables/data.md",
            caption="../report/data.rst",
            category="Tables",
        ),
    log:
        f"{LOGS}/sizes.log",
    conda:
        "../envs/mazo.yaml"
    params:
        config=CONFIG,
        results=lambda wildcards, output: parent(output[0], level=2),
        settings=settings_digest([list(SUITE.models), SUITE.tasks]),
        code=code_digest("mazo.stages.sizes"),
    shell:
        "mazo sizes --config {params.config:q} --results {params.results:q} --log {log:q}"
