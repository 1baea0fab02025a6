rule config:
    output:
        CONFIG,
    log:
        f"{LOGS}/config.log",
    conda:
        "../envs/mazo.yaml"
    params:
        suite=SUITE.model_dump_json(),
    shell:
        "mazo resolve --text {params.suite:q} --out {output} --log {log}"


# The resolved suite is `ancient` for every stage: what a stage depends on stands in its parameters, so that a changed
# setting re-runs just the stages it touches.
rule prepare:
    input:
        config=ancient(CONFIG),
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
        folder=DATA,
        settings=settings_digest(SUITE.data.model_dump(mode="json")),
        code=code_digest("mazo.stages.prepare"),
    shell:
        "mazo prepare --config {input.config} --task {wildcards.task} --out {params.folder} --log {log}"
