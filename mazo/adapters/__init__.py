"""Adapters: small trained factors beside frozen linear layers, one kind a file."""

from mazo.adapters.add import add_adapter_
from mazo.adapters.row_tasks import row_tasks

__all__ = ["add_adapter_", "row_tasks"]
