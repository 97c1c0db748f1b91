"""`smartshop calculate`: textbook answers to ordering questions, from numbers alone; no shop is needed."""

from typing import Annotated

import typer

from smartshop.errors import InvalidValue
from smartshop.terminal import AsJson, explained, print_facts, print_json, print_rows


@explained
def calculate(
    name: Annotated[str, typer.Argument(help="Which calculation; without one, all of them are listed.")] = "",
    inputs: Annotated[list[str] | None, typer.Argument(help="NAME=VALUE; several values with commas.")] = None,
    as_json: AsJson = False,
) -> None:
    """Work out an order quantity, a reorder point or a safety stock by the textbook."""
    from smartshop.ai_agents.inventory.policies.calculator import CALCULATIONS, inputs_of
    from smartshop.ai_agents.inventory.policies.calculator import calculate as work_out

    if not name:
        rows = [
            {
                "name": each,
                "what": what,
                "needs": " ".join(inputs_of(each)[0]),
                "may have": " ".join(inputs_of(each)[1]),
            }
            for each, (what, _) in CALCULATIONS.items()
        ]
        print_json(rows) if as_json else print_rows("calculations", rows)
        return
    found = work_out(name, dict(_read(text) for text in inputs or ()))
    print_json(found) if as_json else print_facts(f"{CALCULATIONS[name][0]}", found)


def _read(text: str) -> tuple[str, float | list[float]]:
    """`holding_cost=0.2`, `demand=90,120,80`."""
    name, equals, values = text.partition("=")
    try:
        numbers = [float(value) for value in values.split(",")]
    except ValueError:
        numbers = []
    if not equals or not numbers:
        raise InvalidValue(f"The input {text!r} cannot be read; write NAME=NUMBER, or NAME=NUMBER,NUMBER for several.")
    return name.replace("-", "_"), numbers if len(numbers) > 1 else numbers[0]
