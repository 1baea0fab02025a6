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
        settings=settings_digest(SUITE.data.model_dump(mode="json")),
        code=code_digest("mazo.stages.prepare"),
    shell:
        "mazo prepare --config {params.config} --task {wildcards.task} --out {params.folder} --log {log}"
