"""Adapters: small trained factors beside frozen linear layers, one kind a file."""

from mazo.adapters.add import add_adapter_

__all__ = ["add_adapter_"]
