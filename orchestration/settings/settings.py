"""All settings of one process, read from the environment, and handed on to the processes that it starts.

The only reader of the environment. Keep out: the fields, which stand in the mix-ins. A new domain is one mix-in more
among the bases of `Settings`. Names without the prefix are those of the systems that this one replaces, so that their
operators find them again.
"""

from __future__ import annotations

import json
import os
from difflib import get_close_matches

from pydantic import SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from orchestration.errors import ConfigurationError
from orchestration.settings.api import ApiSettings
from orchestration.settings.canvas import CanvasSettings
from orchestration.settings.catalogue import CatalogueSettings
from orchestration.settings.core import CoreSettings
from orchestration.settings.fields import POOL, PREFIX, variables_of
from orchestration.settings.gallery import GallerySettings
from orchestration.settings.maintenance import MaintenanceSettings
from orchestration.settings.mockups import MockupSettings
from orchestration.settings.notifications import NotificationSettings
from orchestration.settings.previews import PreviewSettings
from orchestration.settings.prints import PrintSettings

# A hundred years and more, as numbers of some units; and what any other number may be.
_LONGEST = {"_days": 100_000, "_hours": 1_000_000, "_minutes": 100_000_000}
_LARGEST = 1_000_000_000
# What `dagster.yaml`, the files of `deploy` and the tests read by names that begin as those of settings do.
_OF_OTHERS = {f"{PREFIX}{name}" for name in ("IMAGE", "LOG_BUCKET", "LOG_DIRECTORY", "RUN_TASK_DEFINITION")}
_OF_TESTS = f"{PREFIX}TEST_"


class Settings(
    CoreSettings,
    CatalogueSettings,
    PrintSettings,
    MockupSettings,
    NotificationSettings,
    GallerySettings,
    CanvasSettings,
    PreviewSettings,
    MaintenanceSettings,
    ApiSettings,
    BaseSettings,
):
    """The settings of one process, read once from the environment.

    A variable is named like its field in upper case with the prefix `ORCHESTRATION_`, or as the field says.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", populate_by_name=True)

    @field_validator("*")
    @classmethod
    def _bounded(cls, value: object, info: ValidationInfo) -> object:
        """Refuse numbers that no time has, such as `inf`: the day so many days ago must exist."""
        most = next((most for unit, most in _LONGEST.items() if str(info.field_name).endswith(unit)), _LARGEST)
        if isinstance(value, float) and not abs(value) <= most:
            raise ValueError(f"Input should be less than or equal to {most}")
        return value

    def environment(self, *, secrets: bool = False) -> dict[str, str]:
        """Every field that was set, by the environment or in code, under its own variable, as text.

        A process that is started with these variables reads the same settings. Secrets are left out unless `secrets`,
        which is for nothing but the environment of child processes. A field that was set to nothing is left out.
        """
        values = {
            variables_of(name, type(self).model_fields[name])[0]: getattr(self, name)
            for name in sorted(self.model_fields_set)
        }
        return {
            variable: _text(value)
            for variable, value in values.items()
            if value is not None and (secrets or not isinstance(value, SecretStr))
        }

    @property
    def pool_sizes(self) -> dict[str, int]:
        """The pools that must admit as many runs as a setting says, by name."""
        fields = type(self).model_fields.items()
        extras = {name: field.json_schema_extra for name, field in fields if isinstance(field.json_schema_extra, dict)}
        return {str(extra[POOL]): getattr(self, name) for name, extra in extras.items() if POOL in extra}


def _text(value: object) -> str:
    """A setting's value, as its variable would be written."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, tuple):
        # Words are separated by commas, numbers are a JSON list.
        return ",".join(value) if all(isinstance(part, str) for part in value) else json.dumps(value)
    return str(value)


def load_settings(**overrides: object) -> Settings:
    """Read the environment once; `overrides` win over it.

    Raises `ConfigurationError` that names each variable that does not fit, and why.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]  # checked by pydantic, as the environment is
    except ValidationError as error:
        problems = "; ".join(
            f"{_variable(problem['loc'])}: {problem['msg'].removeprefix('Value error, ')}" for problem in error.errors()
        )
        raise ConfigurationError(f"The settings do not fit. {problems}") from error


def unknown_variables() -> list[str]:
    """What of the environment looks like a setting and is none, each with the setting that it may stand for."""
    known = {name.upper() for field, info in Settings.model_fields.items() for name in variables_of(field, info)}
    names = sorted(os.environ)  # noqa: TID251 - this package is the reader, and pydantic passes over what it does not know
    lost = [name for name in names if name.startswith(PREFIX) and name not in known | _OF_OTHERS]
    return [
        f"{name} is no setting" + "".join(f"; did you mean {one}?" for one in get_close_matches(name, known, n=1))
        for name in lost
        if not name.startswith(_OF_TESTS)
    ]


def _variable(location: tuple[int | str, ...]) -> str:
    """The environment variable of the field that an error is at."""
    name = str(location[0])
    field = Settings.model_fields.get(name)
    return variables_of(name, field)[0] if field else name.upper()
