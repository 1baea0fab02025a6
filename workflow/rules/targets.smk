# Names for single outputs: snakemake table_main, table_transfer, figure_radar, ... `--allowed-rules table_main tables` makes a
# table from records that are there, whatever else is not.
rule table_main:
    input:
        table("main"),


rule table_comparison:
    input:
        table("comparison"),


rule table_ranks:
    input:
        table("ranks"),


rule table_cost:
    input:
        table("cost"),


rule table_overhead:
    input:
        table("overhead"),


rule table_lora:
    input:
        table("lora"),


rule table_ablation:
    input:
        table("ablation"),


rule table_official:
    input:
        table("official"),


rule table_convergence:
    input:
        table("convergence"),


rule table_data:
    input:
        table("data"),


rule table_published:
    input:
        table("published"),


rule table_transfer:
    input:
        table("transfer"),


rule figure_radar:
    input:
        figure("radar"),


rule figure_loss:
    input:
        figure("loss"),


rule figure_forest:
    input:
        figure("forest"),


rule figure_ranks:
    input:
        figure("ranks"),


rule figure_transfer:
    input:
        figure("transfer"),
