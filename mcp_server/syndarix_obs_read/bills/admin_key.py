"""The key with which a provider's bill is read: from a file, sent to that provider only, kept nowhere."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from syndarix_obs_read.bills.model import Provider
from syndarix_obs_read.errors import SettingsError

WHERE: Final = {
    "openai": "an organization owner makes one with the right `api.usage.read` at platform.openai.com, Settings → "
    "Organization → Admin keys; it begins with sk-admin-",
    "anthropic": "an organization admin makes an Admin API key at console.anthropic.com, Settings → Admin keys; it "
    "begins with sk-ant-admin",
}
"""Where the key of each provider is made, and by whom."""

_ORDINARY: Final = {"openai": ("sk-proj-", "sk-svcacct-"), "anthropic": ("sk-ant-api",)}
"""How keys begin that call models and can read no bill."""


def admin_key(provider: Provider, file: Path) -> str:
    """The key in a file.

    Raises:
        SettingsError: there is none, or one that can only call models: it is not even sent.
    """
    try:
        lines = file.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SettingsError(f"the admin key file {file} cannot be read: {reason}") from None
    if len(lines) != 1:
        raise SettingsError(f"{file} must hold one admin key and nothing else: {WHERE[provider]}")
    key = lines[0]
    if not key.isascii() or key.startswith(_ORDINARY[provider]):
        raise SettingsError(
            f"the key in {file} is an ordinary API key of {provider}: it can call models, but lacks the right to read "
            f"usage and costs; {WHERE[provider]}"
        )
    return key


def refused(provider: Provider, file: Path, status: int, said: str) -> str:
    """What to say when the provider does not let the key read."""
    missing = said[said.find("Missing scopes:") :].split(". ")[0].strip(" .\"'}") if "Missing scopes:" in said else ""
    right = f"it says `{missing}`" if missing else "the right to read usage and costs is missing"
    if status == 401:
        right = f"it may be wrong, revoked, or no admin key ({right})" if not missing else right
    return f"{provider} did not let the key in {file} read the bill ({status}): {right}; {WHERE[provider]}"
