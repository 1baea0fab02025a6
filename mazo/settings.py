"""What every group of settings is made of: its base class, the number types and the text of tables."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]


def _one_line(text: str) -> str:
    if len(text.splitlines()) != 1 or {unicodedata.category(character) for character in text} & {"Cc", "Cs"}:
        raise ValueError("wanted one line of text, without control characters")
    return text


Label = Annotated[str, AfterValidator(_one_line)]


class Settings(BaseModel):
    """Base of every group of settings: frozen, strict, no unknown key."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)
