rule score:
    input:
        data=data_of,
        model=model_of,
    output:
        scores=f"{RUN}/scores.safetensors",
        cost=f"{RUN}/score.json",
    log:
        f"{LOGS}/score/{{model}}/{{mix}}/{{method}}/seed_{{seed}}.log",
    conda:
        "../envs/mazo.yaml"
    resources:
        mem_mb=per_attempt(MEMORY),
        runtime=per_attempt(MINUTES),
        gpu=gpus_of,
    params:
        config=CONFIG,
        data=DATA,
        settings=settings("score"),
        code=code_digest("mazo.stages.score"),
    shell:
        f"mazo score {CELL} --data {{params.data:q}} --out {{output.scores:q}} --log {{log:q}}"
