"""Content under a key for each user: who erases the key erases what was said, in every copy, at once."""

from __future__ import annotations

import re
from typing import Final

from syndarix_obs import vocabulary as v

KEY_FILE: Final = "payload_keys.sqlite"
"""Name of the file of keys in the home folder, readable by the owner only."""
TOKEN: Final = re.compile(re.escape(v.ENCRYPTED_PREFIX) + r"([0-9a-f]{16}):([A-Za-z0-9+/]+)")
"""How encrypted content stands in a text: the id of its key, and base64 without padding."""
