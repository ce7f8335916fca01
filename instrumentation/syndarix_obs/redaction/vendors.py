"""Keys that vendors mark with a prefix of their own, as the vendors and the public secret scanners document them.

A row is `(marker, start, body, least)`: the prefix as a regular expression, the characters that follow it, and how many
there are at least. A body has to look random unless the row is in `FIXED`, where the shape alone says enough.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from syndarix_obs.redaction.pattern import Finder, Pattern, Span, free, free_left, looks_random, matches, scan, secret

_WORD = r"[\w-]"
_HEX = "[0-9a-f]"
_B62 = "[A-Za-z0-9]"
_DOTTED = r"[\w.-]"
_UUID = r"[0-9a-fA-F-]"

PREFIXED: tuple[tuple[str, str, str, int], ...] = (
    # Models and tools for agents. `sk-` covers OpenAI, Anthropic, OpenRouter, DeepSeek, Langfuse and many more.
    ("api_key", "sk[-_]", _WORD, 12),
    ("gcp_key", "AIza", _WORD, 35),
    ("gcp_key", "GOCSPX-", _WORD, 20),
    ("gcp_key", r"ya29\.", _DOTTED, 15),
    ("gcp_key", "1//0", _WORD, 30),
    ("api_key", "(?:gsk_|xai-|pplx-|nvapi-|csk-|llx-|rpa_|fw_|fc-|pa-|jina_|tvly-|pcsk_|e2b_|tgp_v1_)", _WORD, 18),
    ("api_key", "(?:lsv2_(?:pt|sk)_|ls__|pk-lf-|pylf_v[0-9]_|wandb_v[0-9]_|apify_api_|bb_live_|m0-|zep_)", _WORD, 16),
    ("api_key", "(?:hf|r8|re|up|rnd|hcaik|phx|nfp|tfp|api_org)_", _WORD, 20),
    ("api_key", "(?:esecret|helicone|composio|ak|as|bt-st|e2b|mdb_sa_sk)[-_]", _WORD, 22),
    ("api_key", "dapi", r"[0-9a-f-]", 32),
    # Code hosting, packages, containers.
    ("github_token", "gh[pousr]_", r"\w", 20),
    ("github_token", "github_pat_", r"\w", 22),
    ("api_key", "gl(?:pat|dt|rt|cbt|ptt|ft|soat|imt|agent|oas|ffct|rtr)-", _DOTTED, 16),
    ("api_key", "GR1348941", _WORD, 20),
    ("api_key", "AT(?:ATT|CTT|BB)", r"[\w=-]", 24),
    ("api_key", "(?:npm_|pypi-|dckr_(?:pat|oat)_|rubygems_|cio|packagist_[a-z]{3}_|CLOJARS_)", _WORD, 24),
    ("api_key", "oy2", "[a-z0-9]", 43),
    ("api_key", "AKCp", _B62, 60),
    ("api_key", "(?:squ|sqp|sqa|sgp|bkua|CCIPAT|CCIPRJ|pnu|pnb|rdme|pscale_(?:tkn|pw|oauth))_", _WORD, 20),
    # Clouds and what runs on them.
    ("aws_key", r"amzn\.mws\.", _UUID, 30),
    ("aws_key", "ABSK", r"[A-Za-z0-9+/=]", 60),
    ("api_key", "(?:AKID|LTAI)", _B62, 12),
    ("api_key", r"(?:t1\.|y[0-3]_|AQVN)", _WORD, 30),
    ("api_key", "do[opr]_v1_", _HEX, 40),
    ("api_key", "(?:vcp|vck|vci|vca|vcr|vercel)_", _B62, 20),
    ("api_key", "(?:fo1_|FlyV1 |fm[12]_|sbp_|sb_secret_|napi_|tskey-)", _WORD, 20),
    ("api_key", r"hv[sbr]\.", _WORD, 20),
    ("api_key", r"dp\.(?:pt|st|sa|ct|scim|audit)\.", _DOTTED, 20),
    ("api_key", r"(?:dt0[a-z][0-9]{2}\.|ops_eyJ|v1\.0-)", _DOTTED, 24),
    ("api_key", "(?:gl(?:sa|c)_|sntry[su]_|NR(?:AK|JS|RA|II|AA|IQ)-|HRKU-|k8s-aws-v1\\.)", r"[\w=+/-]", 16),
    ("api_key", "(?:pul-|PMAK-|CFPAT-|AGE-SECRET-KEY-1|SCW)", _WORD, 17),
    # Money.
    ("api_key", "(?:rk_(?:live|test)|whsec|rzp_(?:live|test)|shippo_(?:live|test)|duffel_(?:live|test))_", _WORD, 14),
    ("api_key", "(?:sq0(?:atp|csp|idp)-|EAAA|FLWSECK(?:_TEST)?-|EZ[AT]K)", _WORD, 20),
    ("api_key", r"access_token\$(?:production|sandbox)\$", r"[\w$]", 20),
    ("api_key", "access-(?:sandbox|development|production)-", _UUID, 30),
    ("api_key", "shp(?:at|ca|pa|ss|tka)_", _B62, 24),
    # Messages and offices.
    ("api_key", r"(?:xkeysib|xsmtpsib|key|pubkey|md)-", _WORD, 22),
    ("api_key", r"SG\.", _DOTTED, 27),
    ("api_key", r"[st]k\.eyJ", _DOTTED, 20),
    ("api_key", "(?:ntn|figd|figo|lin_api|lin_oauth)_", _WORD, 24),
    ("api_key", "(?:secret_|fio-u-|p8e-|pat-(?:na|eu)[0-9]-)", _WORD, 32),
    ("api_key", r"(?:sl\.[BCu]?|pat[A-Za-z0-9]{14}\.)", r"[\w.-]", 60),
    ("api_key", "(?:EAA|AQE)[A-Za-z]", _WORD, 60),
    ("api_key", "A{19,22}", "[A-Za-z0-9%]", 40),
)  # fmt: skip
"""Most common first."""

_HOOKS = (
    r"hooks\.slack\.com/(?:services|workflows|triggers)/",
    r"discord(?:app)?\.com/api/webhooks/",
    r"webhook\.office\.com/webhookb2/",
    r"logic\.azure\.com[:/]",
    r"hooks\.zapier\.com/hooks/catch/",
    r"open\.(?:feishu\.cn|larksuite\.com)/open-apis/bot/v2/hook/",
    r"chat\.googleapis\.com/v1/spaces/",
    r"oapi\.dingtalk\.com/robot/send\?access_token=",
)
FIXED: tuple[tuple[str, str], ...] = (
    ("aws_key", "A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}"),
    ("slack_token", r"(?:xox[a-z](?:\.xox[a-z])?-|xapp-[0-9])[\w.-]{15,512}+"),
    ("api_key", "(?:SK|AC)[0-9a-f]{32}"),  # Twilio
    ("api_key", "[0-9a-f]{32}-us[0-9]{1,2}"),  # Mailchimp
    ("api_key", r"[0-9]{8,10}:AA[\w-]{32,33}"),  # Telegram
    ("api_key", r"[MNO][\w-]{23,25}\.[\w-]{6}\.[\w-]{27,38}"),  # Discord
    ("api_key", r"u\+[\w-]{18}"),  # PagerDuty
    ("api_key", r"[0-9]/[0-9]{10,16}(?:/[0-9]{10,16})?:[0-9a-f]{32}"),  # Asana
    ("api_key", r"[A-Za-z0-9]{14}\.atlasv1\.[\w-]{40,80}"),  # Terraform Cloud
    ("api_key", r"[\w~.-]{3}[0-9]Q~[\w~.-]{31,34}"),  # Entra client secret
    ("api_key", "API-[A-Z0-9]{26,32}"),  # Octopus
    ("api_key", r"A3-[A-Z0-9]{6}-[A-Z0-9]{6}(?:-[A-Z0-9]{5,6}){3,4}"),  # 1Password
    ("api_key", r"(?:sdk|api|mob)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),  # LaunchDarkly
    ("secret", r"\$(?:2[abxy]\$[0-9]{2}|apr1|[156y]|argon2id?)\$[\w./+=,$-]{20,120}"),  # hashes of passwords
)
"""Shapes that need no second look."""


def _prefixed(start: str, body: str, least: int) -> Finder:
    prefix, rest = re.compile(start, re.ASCII), re.compile(f"{body}{{{least},512}}+", re.ASCII)

    def find(text: str) -> Iterator[Span]:
        last = 0
        for match in scan(prefix, text):
            if match.start() < last or not free_left(text, match.start()):
                continue  # `task-sk-…`: the key begins further on
            found = rest.match(text, match.end())
            if found is not None:
                last = found.end()
                if looks_random(found.group()):
                    yield match.start(), last

    return find


def _vendors() -> Iterator[Pattern]:
    for name, start, body, least in PREFIXED:
        yield secret(name, _prefixed(start, body, least), f"{start}{body}{{{min(least, 10)}}}")
    for name, shape in FIXED:
        yield secret(name, matches(shape, free), shape.replace("}+", "}"))
    for hook in _HOOKS:
        yield secret(
            "slack_token" if "slack" in hook else "webhook",
            matches(rf"{hook}[\w/@%.:?&=+-]{{12,1024}}+"),
            rf"{hook}[\w/@%.:?&=+-]{{12}}",
        )


VENDORS: tuple[Pattern, ...] = tuple(_vendors())
