rule mask:
    input:
        scores=scores_of,
        model=model_of,
    output:
        mask=f"{RUN}/mask.safetensors",
        cost=f"{RUN}/mask.json",
    log:
        f"{LOGS}/mask/{{model}}/{{mix}}/{{method}}/seed_{{seed}}.log",
    conda:
        "../envs/mazo.yaml"
    resources:
        mem_mb=per_attempt(MEMORY),
        runtime=per_attempt(MINUTES),
        gpu=mask_gpus_of,
    params:
        config=CONFIG,
        scores=scores_option,
        settings=settings("mask"),
        code=code_digest("mazo.stages.mask"),
    shell:
        f"mazo mask {CELL} {{params.scores}} --out {{output.mask:q}} --log {{log:q}}"
