rule mask:
    input:
        scores=rules.score.output.scores,
    output:
        mask=f"{RUN}/mask.safetensors",
        cost=f"{RUN}/mask.json",
    log:
        f"{LOGS}/mask/{{model}}/{{mix}}/{{method}}/seed_{{seed}}.log",
    conda:
        "../envs/mazo.yaml"
    params:
        config=CONFIG,
        settings=settings("mask"),
        code=code_digest("mazo.stages.mask"),
    shell:
        f"mazo mask {CELL} --scores {{input.scores}} --out {{output.mask}} --log {{log}}"
