"""Why an item is shown, in plain words, each with the count that the model holds for it."""

import numpy as np

from smartshop.ai_agents.advice import Numbers, Question
from smartshop.ai_agents.recommendation.bought_together import BoughtTogether
from smartshop.ai_agents.recommendation.item_to_item import ItemToItem
from smartshop.ai_agents.recommendation.markov import Markov
from smartshop.ai_agents.recommendation.model import RecommendationModel
from smartshop.ai_agents.recommendation.row_source import RowSource
from smartshop.ai_agents.recommendation.rows import Rows
from smartshop.ai_agents.recommendation.sessions import Sessions
from smartshop.ai_agents.recommendation.slist import Slist
from smartshop.ai_agents.recommendation.taste import Taste
from smartshop.ai_agents.recommendation.trending import Trending
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.schemas.slates import Reason

FEWEST_TIMES_TO_NAME = 1.5
"""Less is no difference that anybody notices."""
MOST_TIMES_TO_NAME = 20.0
"""Beyond it the figure is about who hardly ever turns to it here."""
FEWEST_SHOPPERS_TO_NAME = 2
"""A sentence about one single shopper is neither evidence nor anybody's business."""
NEW_FOR = 30 * 86_400_000_000
"""µs since it was published."""


def explain(
    model: RecommendationModel, question: Question, origin: str, product_no: int, because: int
) -> Reason | None:
    """The reason of one item, from the source that argued strongest; what has no count falls back to demand."""
    shelf = question.shelf
    reason: Reason | None = None
    match origin:
        case "markov":
            reason = _viewed_next(model, shelf, product_no, because)
        case "item_to_item" | "similar":
            reason = _chosen_with(model.of(ItemToItem), shelf, product_no, because)
        case "sessions":
            reason = _in_one_visit(model, question, product_no, because)
        case "attention":
            # A network has no counts of its own; what was counted of the same pair is as true of its choice.
            counted = _viewed_next(model, shelf, product_no, because)
            reason = counted or _chosen_with(model.of(ItemToItem), shelf, product_no, because)
        case "slist":
            reason = _chosen_with(model.of(Slist), shelf, product_no, because)
        case "taste":
            reason = _chosen_with(model.of(Taste), shelf, product_no, because)
        case "bought_together":
            reason = _bought_together(model, shelf, product_no, because)
        case "buy_again" | "revisits":
            reason = _again(question, product_no)
        case "segment_trending":
            reason = _wanted_alike(question, product_no)
        case "same_category":
            reason = _same_category(shelf, product_no, because)
        case "content":
            reason = _alike(shelf, product_no, because)
        case "newcomers" if _is_new(question, product_no):
            return from_the_shelf(question, product_no)
        case _:
            pass
    return reason or _in_demand(model, shelf, product_no) or from_the_shelf(question, product_no)


def _wanted_alike(question: Question, product_no: int) -> Reason | None:
    """By what group people shop alike is for the shop: only how much more often than usual is told."""
    wanted = question.wanted_alike
    times = float(wanted.times[wanted.product_no == product_no].max(initial=0.0))
    if times < FEWEST_TIMES_TO_NAME or wanted.customers < FEWEST_SHOPPERS_TO_NAME:
        return None
    how_often = f"{times:.1f}" if times <= MOST_TIMES_TO_NAME else f"more than {MOST_TIMES_TO_NAME:.0f}"
    return Reason(
        code="wanted_alike",
        text=f"Wanted {how_often} times as often as usual by customers who shop like you",
        evidence={"times": round(times, 1), "customers": wanted.customers},
    )


def _again(question: Question, product_no: int) -> Reason | None:
    """From the shopper's own past: bought, come back to, or just looked at."""
    product_id, title = question.shelf.product_ids[product_no], question.shelf.titles[product_no]
    if any(bought.product_id == product_id for bought in question.profile.purchases):
        return Reason(code="buy_again", text=f"You bought {title} before", evidence={"product_id": product_id})
    times = _visits(question.history, product_no)
    if not times:
        return None
    text = f"You looked at {title} {times} times" if times > 1 else f"You looked at {title} before"
    return Reason(code="looked_at_again", text=text, evidence={"product_id": product_id, "times": times})


def _visits(history: Numbers, product_no: int) -> int:
    """How often the shopper turned to it. One visit leaves several signs in a row: the click, the view, the stay."""
    signs = history == product_no
    return int(np.count_nonzero(signs[:1])) + int(np.count_nonzero(signs[1:] & ~signs[:-1]))


def _viewed_next(model: RecommendationModel, shelf: Shelf, product_no: int, because: int) -> Reason | None:
    shoppers = _count(model.of(Markov), because, product_no)
    if shoppers < FEWEST_SHOPPERS_TO_NAME:
        return None
    return Reason(
        code="viewed_next",
        # Lines of one order are steps as well, and which of them came first nobody knows.
        text=f"{shoppers} shoppers turned to this along with {shelf.titles[because]} or soon after",
        evidence={"product_id": shelf.product_ids[because], "shoppers": shoppers},
    )


def _chosen_with(learned: RowSource | None, shelf: Shelf, product_no: int, because: int) -> Reason | None:
    shoppers = _count(learned, because, product_no)
    if shoppers < FEWEST_SHOPPERS_TO_NAME:
        return None
    return Reason(
        code="similar",
        text=f"{shoppers} shoppers who chose {shelf.titles[because]} chose this too",
        evidence={"product_id": shelf.product_ids[because], "shoppers": shoppers},
    )


def _in_one_visit(model: RecommendationModel, question: Question, product_no: int, because: int) -> Reason | None:
    if product_no == because:
        return _again(question, product_no)
    learned, shelf = model.of(Sessions), question.shelf
    shoppers = 0 if learned is None else learned.shoppers_with_both(because, product_no)
    if shoppers < FEWEST_SHOPPERS_TO_NAME:
        return None
    return Reason(
        code="same_visit",
        text=f"{shoppers} shoppers turned to this on the visit that took them to {shelf.titles[because]}",
        evidence={"product_id": shelf.product_ids[because], "shoppers": shoppers},
    )


def _bought_together(model: RecommendationModel, shelf: Shelf, product_no: int, because: int) -> Reason | None:
    learned = model.of(BoughtTogether)
    if learned is None:
        return None
    orders = _count(learned.products, because, product_no)
    if orders >= FEWEST_SHOPPERS_TO_NAME:
        return Reason(
            code="bought_together",
            text=f"Bought together with {shelf.titles[because]} in {orders} orders",
            evidence={"product_id": shelf.product_ids[because], "orders": orders},
        )
    if because < 0:
        return None
    theirs, ours = shelf.categories[shelf.category[because]], shelf.categories[shelf.category[product_no]]
    codes = {path: code for code, path in enumerate(model.categories)}
    orders = _count(learned.categories, codes.get(theirs, -1), codes.get(ours, -1))
    if orders < FEWEST_SHOPPERS_TO_NAME:
        return None
    return Reason(
        code="bought_together",
        text=f"{ours[-1]} are bought together with {theirs[-1]} in {orders} orders",
        evidence={"category": list(ours), "with_category": list(theirs), "orders": orders},
    )


def _alike(shelf: Shelf, product_no: int, because: int) -> Reason | None:
    """What is told is what can be read on both: nobody's choice stands behind it."""
    if because < 0:
        return None
    evidence: dict[str, object] = {"product_id": shelf.product_ids[because]}
    path, theirs = (shelf.categories[shelf.category[number]] for number in (product_no, because))
    if path and path == theirs:
        evidence["category"] = list(path)
    return Reason(code="alike", text=f"Described much like {shelf.titles[because]}", evidence=evidence)


def _is_new(question: Question, product_no: int) -> bool:
    return question.now - int(question.shelf.published_at[product_no]) <= NEW_FOR


def _same_category(shelf: Shelf, product_no: int, because: int) -> Reason | None:
    path = shelf.categories[shelf.category[product_no]]
    if because < 0 or not path:
        return None
    return Reason(
        code="same_category",
        text=f"Also in {path[-1]}, like {shelf.titles[because]}",
        evidence={"product_id": shelf.product_ids[because], "category": list(path)},
    )


def _in_demand(model: RecommendationModel, shelf: Shelf, product_no: int) -> Reason | None:
    trending = model.of(Trending)
    if trending is None or product_no >= model.n_products:
        return None
    path = shelf.categories[shelf.category[product_no]]
    where = f" in {path[-1]}" if path else ""
    this_week = int(trending.shoppers_this_week[product_no])
    if this_week >= FEWEST_SHOPPERS_TO_NAME:
        return Reason(
            code="trending",
            text=f"Popular{where} this week ({this_week} shoppers)",
            evidence={"shoppers": this_week, "days": 7, "category": list(path)},
        )
    ever = int(trending.shoppers_ever[product_no])
    if ever < FEWEST_SHOPPERS_TO_NAME:
        return None
    return Reason(
        code="popular",
        text=f"Chosen{where} by {ever} shoppers",
        evidence={"shoppers": ever, "category": list(path)},
    )


def from_the_shelf(question: Question, product_no: int) -> Reason:
    """What can be said of a product that nobody has acted on yet."""
    shelf = question.shelf
    path = shelf.categories[shelf.category[product_no]]
    if _is_new(question, product_no):
        return Reason(
            code="new",
            text=f"New in {path[-1]}" if path else "New in the shop",
            evidence={"published_at": int(shelf.published_at[product_no]), "category": list(path)},
        )
    return Reason(
        code="from_the_catalogue",
        text=f"From {path[-1]}" if path else "From the catalogue",
        evidence={"category": list(path)},
    )


def _count(learned: Rows | RowSource | None, first: int, second: int) -> int:
    rows = learned.rows if isinstance(learned, RowSource) else learned
    if rows is None:
        return 0
    return rows.evidence_of(first, second) if first >= 0 and second >= 0 else 0
