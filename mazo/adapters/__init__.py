"""Adapters: small trained factors beside frozen linear layers, one kind a file."""

from mazo.adapters.add import add_adapter_
from mazo.adapters.lora import merge_lora_
from mazo.adapters.mtl_lora import merge_mtl_lora_
from mazo.adapters.row_tasks import row_tasks

__all__ = ["add_adapter_", "merge_lora_", "merge_mtl_lora_", "row_tasks"]
