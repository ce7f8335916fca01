"""Who emits: service name, environment and the other OpenTelemetry resource attributes of this process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from syndarix_obs import vocabulary as v


@dataclass(frozen=True, slots=True)
class Resource:
    """Identity of the emitting process. `attributes` are further resource attributes, sent with traces."""

    service: str = "unknown_service"
    environment: str = "default"
    attributes: Mapping[str, str] = field(default_factory=dict)

    def as_attributes(self) -> dict[str, str]:
        """All attributes under their OpenTelemetry names."""
        return {**self.attributes, v.SERVICE_NAME: self.service, v.DEPLOYMENT_ENVIRONMENT: self.environment}
