"""How much a warning is worth, seen from what the shop turns over: the same share is grave in every shop. Pure."""

from dataclasses import dataclass, field

from smartshop.data_collection.schemas.alerts import Severity


@dataclass(frozen=True, slots=True)
class StakesConfig:
    high_share: float = 0.02
    """Of a week's turnover: from so much money on a warning is grave."""
    medium_share: float = 0.002


@dataclass(frozen=True, slots=True)
class Stakes:
    weekly_turnover_minor: float
    """Mean of the last year; 0 where nothing was sold yet."""
    config: StakesConfig = field(default_factory=StakesConfig)

    def severity(self, worth_minor: float | None) -> Severity:
        """Of what is at stake; None: in money that is never converted, so that nobody knows.

        >>> Stakes(100_000.0).severity(2_500)
        <Severity.HIGH: 'high'>
        >>> Stakes(0.0).severity(2_500)
        <Severity.MEDIUM: 'medium'>
        """
        if worth_minor is None:
            return Severity.MEDIUM
        if self.weekly_turnover_minor <= 0:
            return Severity.MEDIUM if worth_minor > 0 else Severity.LOW
        share = worth_minor / self.weekly_turnover_minor
        if share >= self.config.high_share:
            return Severity.HIGH
        return Severity.MEDIUM if share >= self.config.medium_share else Severity.LOW
