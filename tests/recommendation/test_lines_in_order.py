"""Whether the lines of an order speak in the order in which they came is found on the shop's own held-out lines."""

import numpy as np
import pytest

from smartshop.ai_agents.recommendation.held_out import Protocol
from smartshop.ai_agents.recommendation.neural.settings import AttentionConfig
from smartshop.ai_agents.recommendation.recipe import Recipe
from smartshop.ai_agents.recommendation.sequences import Sequences
from smartshop.ai_agents.recommendation.sources import Configs
from smartshop.ai_agents.recommendation.training import learn
from tests.recommendation.worlds import DAY, START, Row, make_shelf, order, sequences_of, silent

N = 40
LINES = 6
WITHOUT_NETWORKS = Recipe(configs=Configs(attention=AttentionConfig(least_signs=2**31)))


def invoices(*, in_order: bool) -> Sequences:
    """Three a customer, of products that lie side by side; each begins anywhere and goes up, or stands in no order."""
    rng = np.random.default_rng(4)
    rows: list[Row] = []
    for number in range(240):
        lines = (int(rng.integers(N)) + np.arange(LINES)) % N
        if not in_order:
            lines = rng.permutation(lines)
        rows += order(number % 80, lines.tolist(), START + int(rng.integers(90)) * DAY + number, number)
    return sequences_of(rows, N)


def found(sequences: Sequences, protocol: Protocol) -> bool:
    rng = np.random.default_rng(0)
    learned = learn(sequences, make_shelf(N), WITHOUT_NETWORKS, rng, silent, protocol=protocol)
    return learned.older.recipe.lines_in_order


@pytest.mark.parametrize("in_order", [True, False])
def test_lines_speak_in_their_order_where_it_tells_of_the_next_one(in_order: bool) -> None:
    assert found(invoices(in_order=in_order), Protocol.NEXT_SIGN) == in_order


def test_where_no_next_line_is_asked_for_lines_stay_alike() -> None:
    assert not found(invoices(in_order=True), Protocol.BY_TIME)
