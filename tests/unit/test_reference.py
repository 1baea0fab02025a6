from pathlib import Path

import pytest
import yaml

from mazo.config import Suite
from mazo.errors import ConfigError
from mazo.reference import key_table, schema_text, with_key_table

REPOSITORY = Path(__file__).resolve().parents[2]
README = (REPOSITORY / "config" / "README.md").read_text()


def schema_keys(schema: dict, node: dict) -> set[str]:
    """The last part of every key the schema accepts, found without the settings classes."""
    node = schema["$defs"][node["$ref"].rsplit("/", 1)[-1]] if "$ref" in node else node
    found = set(node.get("properties", {}))
    inner = [*node.get("properties", {}).values(), *node.get("patternProperties", {}).values()]
    for child in [*inner, *node.get("oneOf", []), *node.get("anyOf", [])]:
        found |= schema_keys(schema, child)
    return found


def test_the_committed_schema_is_the_one_the_settings_classes_give():
    assert (REPOSITORY / "workflow" / "schemas" / "config.schema.yaml").read_text() == schema_text()


def test_the_committed_table_of_keys_is_the_one_the_settings_classes_give():
    assert with_key_table(README) == README


def test_every_key_that_holds_a_value_has_a_row():
    schema = Suite.model_json_schema()
    rows = {line.split("`")[1].rsplit(".", 1)[-1] for line in key_table().splitlines() if line.startswith("| `")}
    groups = {
        "data",
        "revisions",
        "scoring",
        "training",
        "evaluation",
        "statistics",
        "tune",
        "mask",
        "scores",
        "adapter",
        "famo",
        "coba",
    }
    assert rows == schema_keys(schema, schema) - groups


def test_every_key_has_a_meaning():
    rows = [line for line in key_table().splitlines() if line.startswith("| `")]
    assert [row for row in rows if row.rstrip("| ").endswith("`") or row.split("|")[-2].strip() == ""] == []


def test_a_page_without_markers_is_refused():
    with pytest.raises(ConfigError, match="keys: begin"):
        with_key_table("nothing here")


def test_the_schema_refuses_unknown_keys_everywhere():
    schema = yaml.safe_load(schema_text())
    closed = [schema, *schema["$defs"].values()]
    assert all(group["additionalProperties"] is False for group in closed if "properties" in group)
