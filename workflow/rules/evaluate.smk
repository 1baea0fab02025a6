rule evaluate:
    input:
        data=tested_data_of,
        model=model_of,
        mask=mask_of,
        training=training_of,
    output:
        f"{RUN}/results.json",
        f"{RUN}/samples.jsonl",
        f"{RUN}/record.json",
    log:
        f"{LOGS}/evaluate/{{model}}/{{mix}}/{{method}}/seed_{{seed}}.log",
    conda:
        "../envs/mazo.yaml"
    resources:
        mem_mb=per_attempt(MEMORY),
        runtime=per_attempt(MINUTES),
        gpu=gpus_of,
    params:
        config=CONFIG,
        data=DATA,
        folder=lambda wildcards, output: parent(output[0], level=1),
        mask=mask_option,
        settings=settings("evaluate"),
        code=code_digest("mazo.stages.evaluate"),
    shell:
        f"mazo evaluate {CELL} --data {{params.data:q}} {{params.mask}} --out {{params.folder:q}} --log {{log:q}}"
