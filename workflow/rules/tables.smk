rule tables:
    input:
        records=[f"{run}/record.json" for run in RUNS],
    output:
        multiext(f"{RESULTS}/tables/main", ".csv", ".tex"),
        report(
            f"{RESULTS}/tables/main.md",
            caption="../report/main.rst",
            category="Tables",
        ),
        [
            f"{RESULTS}/tables/{name}.{form}"
            for name in EXTRA_TABLES
            for form in ("csv", "md", "tex")
        ],
        multiext(f"{RESULTS}/tables/ranks", ".csv", ".tex"),
        report(
            f"{RESULTS}/tables/ranks.md",
            caption="../report/ranks.rst",
            category="Tables",
        ),
        multiext(f"{RESULTS}/tables/cost", ".csv", ".tex"),
        report(
            f"{RESULTS}/tables/cost.md",
            caption="../report/cost.rst",
            category="Tables",
        ),
    log:
        f"{LOGS}/tables.log",
    conda:
        "../envs/mazo.yaml"
    params:
        config=CONFIG,
        results=lambda wildcards, output: parent(output[0], level=2),
        settings=[ROWS, COMPARED, EXTRA_TABLES],
        code=code_digest("mazo.stages.tables"),
    shell:
        "mazo tables --config {params.config:q} --results {params.results:q} --log {log:q}"


rule compare:
    input:
        samples=[f"{run}/samples.jsonl" for run in RUNS],
    output:
        multiext(f"{RESULTS}/tables/comparison", ".csv", ".tex"),
        report(
            f"{RESULTS}/tables/comparison.md",
            caption="../report/comparison.rst",
            category="Tables",
        ),
        f"{RESULTS}/figures/forest.png",
        report(
            f"{RESULTS}/figures/forest.svg",
            caption="../report/forest.rst",
            category="Figures",
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
        "mazo compare --config {params.config:q} --results {params.results:q} --log {log:q}"


# Asked for by `all` where a method trains a model a task.
rule transfer:
    input:
        records=[f"{run}/record.json" for run in SINGLE_TASK],
    output:
        multiext(f"{RESULTS}/tables/transfer", ".csv", ".tex"),
        report(
            f"{RESULTS}/tables/transfer.md",
            caption="../report/transfer.rst",
            category="Tables",
        ),
        f"{RESULTS}/figures/transfer.png",
        report(
            f"{RESULTS}/figures/transfer.svg",
            caption="../report/heat_map.rst",
            category="Figures",
        ),
    log:
        f"{LOGS}/transfer.log",
    conda:
        "../envs/mazo.yaml"
    params:
        config=CONFIG,
        results=lambda wildcards, output: parent(output[0], level=2),
        settings=[ROWS, COMPARED],
        code=code_digest("mazo.stages.transfer"),
    shell:
        "mazo transfer --config {params.config:q} --results {params.results:q} --log {log:q}"


# Asked for by `all` where config/published.yaml has figures of one of the suite's models.
rule published:
    input:
        records=[f"{run}/record.json" for run in RUNS],
        published=f"{workflow.basedir}/config/published.yaml",
    output:
        multiext(f"{RESULTS}/tables/published", ".csv", ".tex"),
        report(
            f"{RESULTS}/tables/published.md",
            caption="../report/published.rst",
            category="Tables",
        ),
    log:
        f"{LOGS}/published.log",
    conda:
        "../envs/mazo.yaml"
    params:
        config=CONFIG,
        results=lambda wildcards, output: parent(output[0], level=2),
        settings=[ROWS, COMPARED],
        code=code_digest("mazo.stages.published"),
    shell:
        "mazo published --config {params.config:q} --results {params.results:q} --published {input.published:q}"
        " --log {log:q}"


rule convergence:
    input:
        curves=[f"{run}/curve.csv" for run in TRAINED],
    output:
        multiext(f"{RESULTS}/tables/convergence", ".csv", ".tex"),
        report(
            f"{RESULTS}/tables/convergence.md",
            caption="../report/convergence.rst",
            category="Tables",
        ),
    log:
        f"{LOGS}/convergence.log",
    conda:
        "../envs/mazo.yaml"
    params:
        config=CONFIG,
        results=lambda wildcards, output: parent(output[0], level=2),
        settings=[ROWS, COMPARED],
        code=code_digest("mazo.stages.convergence"),
    shell:
        "mazo convergence --config {params.config:q} --results {params.results:q} --log {log:q}"


rule figures:
    input:
        records=[f"{run}/record.json" for run in RUNS],
        curves=[f"{run}/curve.csv" for run in TRAINED],
    output:
        f"{RESULTS}/figures/radar.png",
        report(
            f"{RESULTS}/figures/radar.svg",
            caption="../report/radar.rst",
            category="Figures",
        ),
        f"{RESULTS}/figures/loss.png",
        report(
            f"{RESULTS}/figures/loss.svg",
            caption="../report/loss.rst",
            category="Figures",
        ),
        f"{RESULTS}/figures/ranks.png",
        report(
            f"{RESULTS}/figures/ranks.svg",
            caption="../report/rank_plot.rst",
            category="Figures",
        ),
    log:
        f"{LOGS}/figures.log",
    conda:
        "../envs/mazo.yaml"
    params:
        config=CONFIG,
        results=lambda wildcards, output: parent(output[0], level=2),
        settings=[ROWS, COMPARED],
        code=code_digest("mazo.stages.figures"),
    shell:
        "mazo figures --config {params.config:q} --results {params.results:q} --log {log:q}"
