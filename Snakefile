from snakemake.utils import min_version

min_version("9.20")


if not workflow.overwrite_configfiles:

    configfile: f"{workflow.basedir}/config/mini.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/scores.smk"
include: "workflow/rules/mask.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/claims.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/mini_model.smk"
include: "workflow/rules/ledger.smk"
include: "workflow/rules/plan.smk"
include: "workflow/rules/targets.smk"
include: "workflow/rules/tune.smk"
include: "workflow/rules/verify.smk"


# Seconds each, and the only ones that may need the network: on a cluster they run where snakemake does.
localrules:
    all,
    prepare,
    lengths,
    sizes,
    plan,
    tables,
    convergence,
    published,
    compare,
    transfer,
    figures,
    claims,
    report_html,
    ledger,
    verify,
    pack,
    regenerate,
    tune,
    mini_model,
    mini_card,
    card,


rule all:
    default_target: True
    input:
        rules.sizes.output,
        rules.tables.output,
        rules.convergence.output if TRAINED else [],
        rules.compare.output,
        rules.figures.output,
        rules.transfer.output if SINGLE_TASK else [],
        rules.published.output if HAS_PUBLISHED else [],


onsuccess:
    print(closing_summary())
