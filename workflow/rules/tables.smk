rule tables:
    input:
        records=[f"{run}/record.json" for run in RUNS],
    output:
        f"{RESULTS}/tables/main.csv",
        f"{RESULTS}/tables/main.tex",
        report(
            f"{RESULTS}/tables/main.md",
            caption="../report/main.rst",
            category="Tables",
        ),
    log:
        f"{LOGS}/tables.log",
    conda:
        "../envs/mazo.yaml"
    params:
        config=CONFIG,
        results=lambda wildcards, output: parent(output[0], level=2),
        settings=ROWS,
        code=code_digest("mazo.stages.tables"),
    shell:
        "mazo tables --config {params.config} --results {params.results} --log {log}"


rule compare:
    input:
        samples=[f"{run}/samples.jsonl" for run in RUNS],
    output:
        f"{RESULTS}/tables/comparison.csv",
        f"{RESULTS}/tables/comparison.tex",
        report(
            f"{RESULTS}/tables/comparison.md",
            caption="../report/comparison.rst",
            category="Tables",
        ),
    log:
        f"{LOGS}/compare.log",
    conda:
        "../envs/mazo.yaml"
    params:
        config=CONFIG,
        results=lambda wildcards, output: parent(output[0], level=2),
        settings=[ROWS, COMPARED],
        code=code_digest("mazo.stages.compare"),
    shell:
        "mazo compare --config {params.config} --results {params.results} --log {log}"


rule figures:
    input:
        records=[f"{run}/record.json" for run in RUNS],
        curves=[f"{run}/curve.csv" for run in TRAINED],
    output:
        report(
            f"{RESULTS}/figures/radar.svg",
            caption="../report/radar.rst",
            category="Figures",
        ),
        report(
            f"{RESULTS}/figures/loss.svg",
            caption="../report/loss.rst",
            category="Figures",
        ),
        f"{RESULTS}/figures/radar.png",
        f"{RESULTS}/figures/loss.png",
    log:
        f"{LOGS}/figures.log",
    conda:
        "../envs/mazo.yaml"
    params:
        config=CONFIG,
        results=lambda wildcards, output: parent(output[0], level=2),
        settings=ROWS,
        code=code_digest("mazo.stages.figures"),
    shell:
        "mazo figures --config {params.config} --results {params.results} --log {log}"
