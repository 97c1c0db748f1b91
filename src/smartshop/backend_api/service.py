"""What a route or socket may use: the shop's own parts and the service's gate, limits, search and counters."""

from dataclasses import dataclass, field

from smartshop.backend_api.services.proposal_keeper import ProposalKeeper
from smartshop.backend_api.services.proposal_scores import ScoreKeeper
from smartshop.backend_api.services.search import SearchKeeper
from smartshop.backend_api.shop import Shop
from smartshop.backend_api.utils.auth import Gate
from smartshop.backend_api.utils.metrics import Metrics
from smartshop.backend_api.utils.rate_limit import RateLimit
from smartshop.backend_api.utils.shopper_tokens import TokenSigner


@dataclass(frozen=True, slots=True)
class Service:
    shop: Shop
    gate: Gate
    tokens: TokenSigner
    rate_limit: RateLimit
    search: SearchKeeper
    metrics: Metrics
    proposals: ProposalKeeper = field(default_factory=ProposalKeeper)
    scores: ScoreKeeper = field(default_factory=ScoreKeeper)
