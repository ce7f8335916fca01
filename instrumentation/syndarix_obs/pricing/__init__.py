"""What a call costs: the dated prices of `genai-prices` and overrides from a YAML file, exact decimals or
unpriced.
"""

from __future__ import annotations

from syndarix_obs.pricing.book import PriceBook
from syndarix_obs.pricing.rates import Price

__all__ = ["Price", "PriceBook"]
