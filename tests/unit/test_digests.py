import pytest

from mazo import digests


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package named mazo with a chain of imports and a folder of YAML files."""
    folder = tmp_path / "mazo"
    (folder / "tasks").mkdir(parents=True)
    sources = {
        "top.py": "from mazo.middle import f",
        "middle.py": "def f():\n    import mazo.low",
        "low.py": "x = 1",
        "low.c": "int x = 1;",
        "other.py": "from mazo import tasks",
        "tasks/__init__.py": "",
        "tasks/metrics.py": "y = 1",
        "tasks/a.yaml": "prompt: a",
    }
    for name, text in sources.items():
        (folder / name).write_text(text)
    monkeypatch.setattr(digests, "PACKAGE", folder)
    digests.code_digest.cache_clear()
    yield folder
    digests.code_digest.cache_clear()


def digest_after(file, text, module):
    file.write_text(text)
    digests.code_digest.cache_clear()
    return digests.code_digest(module)


@pytest.mark.parametrize("file", ["low.py", "low.c"])
def test_a_change_deep_in_the_imports_changes_the_digest(package, file):
    before = digests.code_digest("mazo.top")
    assert digest_after(package / file, "x = 2", "mazo.top") != before


def test_a_change_in_a_module_that_is_not_imported_leaves_the_digest(package):
    before = digests.code_digest("mazo.top")
    assert digest_after(package / "other.py", "pass", "mazo.top") == before


@pytest.mark.parametrize("file", ["tasks/metrics.py", "tasks/a.yaml"])
def test_what_a_package_of_yaml_files_names_counts_as_its_code(package, file):
    before = digests.code_digest("mazo.other")
    assert digest_after(package / file, "z: 2", "mazo.other") != before


def test_settings_digests_follow_values_and_not_the_order_of_keys():
    assert digests.settings_digest({"a": 1, "b": 2}) == digests.settings_digest({"b": 2, "a": 1})
    assert digests.settings_digest({"a": 1}) != digests.settings_digest({"a": 2})
