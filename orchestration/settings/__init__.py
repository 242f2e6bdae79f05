"""Every setting, its default and its environment variable: the only reader of the environment.

What an operator may tune: `core` for all, and one mix-in a domain, joined in `settings`. Keep out: numbers that follow
from a format or a design, which stand beside the code that uses them.
"""

from orchestration.settings.catalogue import RemovalPolicy
from orchestration.settings.settings import Settings, load_settings, unknown_variables

__all__ = ["RemovalPolicy", "Settings", "load_settings", "unknown_variables"]
