import pytest
from httpx2 import Request, Response
from huggingface_hub.errors import GatedRepoError, LocalEntryNotFoundError, RepositoryNotFoundError

from mazo.hub import hub_reason

RESPONSE = Response(404, request=Request("GET", "https://huggingface.co"))


def wrapped(cause):
    """An error as transformers raises it: a general one, from the hub's own."""
    try:
        raise OSError("wanted files\nand a long story") from cause
    except OSError as error:
        return error


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (GatedRepoError("no", response=RESPONSE), ["terms at https://huggingface.co/a/b,", "hf auth login"]),
        (RepositoryNotFoundError("no", response=RESPONSE), ["no such repository or commit"]),
        (LocalEntryNotFoundError("no"), ["cannot be reached", "hf download a/b --revision c", "local folder"]),
        (ConnectionError("no"), ["cannot be reached"]),
        (ValueError("no"), ["wanted files"]),
    ],
)
def test_each_cause_says_what_to_do(cause, words):
    reason = hub_reason(wrapped(cause), name="a/b", revision="c")
    assert all(word in reason for word in words), reason
    assert "\n" not in reason


def test_a_data_set_is_downloaded_as_one():
    reason = hub_reason(ConnectionError("no"), name="a/b", revision=None, kind="dataset")
    assert "`hf download a/b --repo-type dataset`" in reason
