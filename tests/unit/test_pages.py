import pytest

from mazo.errors import ConfigError
from mazo.pages import with_block

PAGE = "# Title\n\n<begin>\nold\n<end>\n\nThe end.\n"


def test_the_part_between_the_markers_is_renewed_and_nothing_else():
    page = with_block(PAGE, "new\n", begin="<begin>", end="<end>")
    assert page == "# Title\n\n<begin>\nnew\n<end>\n\nThe end.\n"
    assert with_block(page, "new\n", begin="<begin>", end="<end>") == page


@pytest.mark.parametrize("missing", ["<begin>", "<end>"])
def test_a_page_without_a_marker_is_refused(missing):
    with pytest.raises(ConfigError, match="wanted a page with the lines '<begin>' and '<end>'"):
        with_block(PAGE.replace(missing, ""), "new\n", begin="<begin>", end="<end>")
