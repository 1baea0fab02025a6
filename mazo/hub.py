"""Why the Hugging Face hub did not give what was asked for, in words that say what to do."""

from collections.abc import Iterator
from typing import Literal

Kind = Literal["model", "dataset"]
UNREACHED = {"LocalEntryNotFoundError", "OfflineModeIsEnabled", "ConnectionError", "ConnectError", "ConnectTimeout"}
UNKNOWN = {"RepositoryNotFoundError", "RevisionNotFoundError", "DatasetNotFoundError"}


def hub_reason(error: BaseException, *, name: str, revision: str | None, kind: Kind = "model") -> str:
    """Return one line: what to do where the cause is known, else the error's own first line.

    :param name: The repository, for example ``meta-llama/Llama-2-7b-hf``.
    :param revision: Its commit, if one was asked for.
    :param kind: What the repository holds.
    """
    causes = {kind.__name__ for cause in _causes(error) for kind in type(cause).__mro__}
    is_set = kind == "dataset"
    options = f"{' --repo-type dataset' if is_set else ''}{f' --revision {revision}' if revision else ''}"
    # A gated repository is a kind of unknown one, and so comes first.
    if "GatedRepoError" in causes or "gated" in str(error):
        page = f"https://huggingface.co/{'datasets/' if is_set else ''}{name}"
        return f"its owners ask for consent: accept their terms at {page}, then `hf auth login`"
    if causes & UNKNOWN:
        return "the hub has no such repository or commit, or it is private: check name and revision, or `hf auth login`"
    if causes & UNREACHED:
        return (
            "the hub cannot be reached and its cache here lacks it: where there is a network, run "
            f"`hf download {name}{options}`, or name a local folder"
        )
    return next(iter(str(error).splitlines()), type(error).__name__)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
