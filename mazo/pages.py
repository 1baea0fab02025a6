"""Pages with a part that a command writes, between two markers."""

from mazo.errors import ConfigError


def with_block(page: str, text: str, *, begin: str, end: str) -> str:
    """Return a page with what stands between its two markers renewed.

    :param text: The new part; begins after the first marker's line and ends with a newline.

    Raises :class:`mazo.errors.ConfigError` for a page without the two markers.
    """
    if begin not in page or end not in page:
        raise ConfigError(f"wanted a page with the lines {begin!r} and {end!r}; found none")
    return f"{page.partition(begin)[0]}{begin}\n{text}{end}{page.partition(end)[2]}"
