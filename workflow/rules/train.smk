rule train:
    input:
        data=data_of,
        model=model_of,
        mask=mask_of,
    output:
        f"{RUN}/train.json",
        f"{RUN}/curve.csv",
    log:
        f"{LOGS}/train/{{model}}/{{mix}}/{{method}}/seed_{{seed}}.log",
    conda:
        "../envs/mazo.yaml"
    resources:
        mem_mb=per_attempt(MEMORY),
        runtime=per_attempt(TRAINING_MINUTES),
        gpu=gpus_of,
    params:
        config=CONFIG,
        data=DATA,
        folder=lambda wildcards, output: parent(output[0], level=1),
        mask=mask_option,
        settings=settings("train"),
        code=code_digest("mazo.stages.train"),
    shell:
        f"mazo train {CELL} --data {{params.data:q}} {{params.mask}} --out {{params.folder:q}} --log {{log:q}}"
