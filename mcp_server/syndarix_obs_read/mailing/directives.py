"""The file that says which reports go to whom, when, and by which mail server.

    smtp: {host: mail.example.com, from: agents@example.com, username: agents, password_file: /run/secrets/smtp}
    reports:
      - {name: weekly, to: [team@example.com], day: monday, at: "07:00"}
      - {name: support, to: [support@example.com], day: friday, at: "16:00", agent: support, form: md}
"""

from __future__ import annotations

import re
from datetime import time
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from syndarix_obs_read.errors import SettingsError
from syndarix_obs_read.mailing.smtp import Encryption

DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_ADDRESS: Final = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+")
_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_EXAMPLE: Final = '{name: weekly, to: [team@example.com], day: monday, at: "07:00"}'


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class MailServer(_Given):
    """Where mail is handed in. The password stands in a file of its own."""

    host: str = Field(min_length=1)
    port: int = Field(587, ge=1, le=65_535)
    sender: str = Field(alias="from")
    username: str | None = None
    password_file: Path | None = None
    tls: Encryption = "starttls"

    @field_validator("sender")
    @classmethod
    def _is_address(cls, value: str) -> str:
        return _address(value)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.username is None) != (self.password_file is None):
            raise ValueError("`username` and `password_file` belong together")
        if self.tls == "none" and self.host not in _LOCAL:
            raise ValueError("mail leaves this machine encrypted: `tls` is `starttls` or `tls`")
        return self


class Directive(_Given):
    """One report that is sent every week."""

    name: str = Field(pattern=r"^[\w.-]{1,64}$")
    to: tuple[str, ...] = Field(min_length=1)
    day: Day = "monday"
    at: time = time(7)
    agent: str | None = None
    form: Literal["html", "md", "pdf"] = "html"

    @field_validator("to")
    @classmethod
    def _are_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_address(each) for each in value)


class MailFile(_Given):
    """What the file holds."""

    smtp: MailServer
    reports: tuple[Directive, ...] = Field(min_length=1)

    @field_validator("reports")
    @classmethod
    def _once_each(cls, value: tuple[Directive, ...]) -> tuple[Directive, ...]:
        names = [each.name for each in value]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two reports are named {name!r}")
        return value

    def named(self, name: str) -> Directive:
        """The directive of that name; SettingsError when there is none."""
        found = next((each for each in self.reports if each.name == name), None)
        if found is None:
            raise SettingsError(f"no report {name!r}; there are {', '.join(each.name for each in self.reports)}")
        return found


def load(path: Path) -> MailFile:
    """Read and check the file.

    Raises:
        SettingsError: it is missing or an entry is wrong; names file, field and what is allowed.
    """
    import yaml

    try:
        document: Any = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the reports file {path} cannot be read: {error}") from None
    except yaml.YAMLError as error:
        raise SettingsError(f"the reports file {path} is no YAML: {error}") from None
    if not isinstance(document, dict):
        raise SettingsError(f"{path} must have `smtp:` and a list `reports:`, each entry like {_EXAMPLE}")
    try:
        return MailFile.model_validate(document)
    except ValidationError as error:
        raise SettingsError("; ".join(f"{path}: {_explain(dict(each))}" for each in error.errors())) from None


def _explain(problem: dict[str, Any]) -> str:
    field = ".".join(str(part) for part in problem["loc"])
    return f"{field or 'the file'}: {problem['msg'].removeprefix('Value error, ')}"


def _address(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise ValueError(f"{text!r} is no mail address such as team@example.com")
    return text
