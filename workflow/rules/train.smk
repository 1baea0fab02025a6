rule train:
    input:
        config=ancient(CONFIG),
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
    params:
        data=DATA,
        folder=RUN,
        mask=mask_option,
        settings=settings("train"),
        code=code_digest("mazo.stages.train"),
    shell:
        f"mazo train {CELL} --data {{params.data}} {{params.mask}} --out {{params.folder}} --log {{log}}"
