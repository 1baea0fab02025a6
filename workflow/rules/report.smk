# snakemake report_html --cores all --configfile config/mini.yaml
rule report_html:
    input:
        rules.claims.output,
        rules.tables.output,
        rules.compare.output,
        rules.figures.output,
        rules.convergence.output if TRAINED else [],
        rules.sizes.output,
        rules.transfer.output if SINGLE_TASK else [],
        rules.published.output if HAS_PUBLISHED else [],
        records=[f"{run}/record.json" for run in RUNS],
        captions=sorted(Path(workflow.basedir, "workflow", "report").glob("*.rst")),
        assumptions=f"{workflow.basedir}/docs/assumptions.md",
        assets=ASSETS,
    output:
        f"{RESULTS}/report.html",
    log:
        f"{LOGS}/html.log",
    conda:
        "../envs/mazo.yaml"
    params:
        config=CONFIG,
        results=lambda wildcards, output: parent(output[0], level=1),
        captions=lambda wildcards, input: parent(input.captions[0], level=1),
        settings=settings_digest(SUITE.model_dump(mode="json")),
        code=code_digest("mazo.stages.html"),
    shell:
        "mazo html --config {params.config:q} --results {params.results:q} --captions {params.captions:q}"
        " --assumptions {input.assumptions:q} --log {log:q}"
