"""A rehearsal: what learning costs, on a made-up shop that goes away again."""

from smartshop.rehearsing import rehearse_segments


def test_a_rehearsal_counts_what_it_made_and_finds_segments() -> None:
    found = rehearse_segments("outdoor_store", shoppers=900, days=60, seed=1, console=None)
    assert 0 < found.buyers < found.customers <= 900
    assert found.order_lines >= found.buyers
    assert found.signs > found.customers
    assert found.segments > 1
    assert 0 < found.in_a_segment <= 1
    assert found.types_found is not None
    assert found.types_found > 0.3
