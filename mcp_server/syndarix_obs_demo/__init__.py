"""A support desk of cooperating agents against a fake provider: something to look at within seconds.

The one part of the read side that is an agent itself, and so uses the write side as any agent does.
"""

from __future__ import annotations

from syndarix_obs_demo.clients import DemoPackagesMissing
from syndarix_obs_demo.run import DemoReport, run
from syndarix_obs_demo.scenario import Scenario

__all__ = ["DemoPackagesMissing", "DemoReport", "Scenario", "run"]
