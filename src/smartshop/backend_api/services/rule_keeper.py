"""The merchant's rules as this process serves them: read again when they changed, compiled beside the requests."""

import threading
from collections.abc import Callable, Sequence

from smartshop.ai_agents.rules import CompiledRules, compile_rules
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.connectors.ports import Rules
from smartshop.data_collection.schemas.rules import MerchantRule


class RuleKeeper:
    """`refresh` may be called by any thread, every second; `compiled` never waits.

    Between a change of the catalogue and the next refresh the rules know its former state: a product that came since is
    meant by none of them yet.
    """

    def __init__(self, rules: Rules, shelves: Callable[[], Shelf]) -> None:
        self._store, self._shelves = rules, shelves
        self._lock = threading.Lock()
        self._state = -1
        self._rules: Sequence[MerchantRule] = ()
        self._compiled = compile_rules((), shelves())
        self.refresh()

    @property
    def compiled(self) -> CompiledRules:
        return self._compiled

    def refresh(self) -> bool:
        """Take up what changed of rules or catalogue; whether anything had."""
        with self._lock:
            # The number first: a rule written after it is read now, and once more the next time.
            state, shelf = self._store.state(), self._shelves()
            if state == self._state and self._compiled.fits(shelf):
                return False
            if state != self._state:
                self._rules = self._store.all()
            self._compiled, self._state = compile_rules(self._rules, shelf, self._compiled), state
            return True
