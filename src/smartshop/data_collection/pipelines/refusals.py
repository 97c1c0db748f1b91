"""One rule broken by one event: the code that quality reports count by, and the sentence a person reads."""

from typing import NoReturn

from smartshop.errors import InvalidValue


class EventRefused(InvalidValue):
    """Its text is a sentence, its code says which rule."""

    def __init__(self, code: str, sentence: str) -> None:
        self.code = code
        super().__init__(sentence)


def refuse(code: str, sentence: str) -> NoReturn:
    raise EventRefused(code, sentence)


def reason_of(error: InvalidValue) -> str:
    return f"{error.code}: {error}"
