"""Which values are valid at a place of a body: what an enumeration, a literal or a union's tags hold, or its words."""

from collections.abc import Iterator, Sequence
from functools import cache

from msgspec import inspect


def valid_values(shape: type, document: object, steps: Sequence[str | int]) -> list[str]:
    """Values that may stand where `steps` lead from the top of `document`, in order and once each; none where anything
    may, or the place is not known. Of a union the record is followed that the document's own tag names.
    """
    return list(dict.fromkeys(text for place in _places(shape, document, steps) for text in _named(place)))


def described(shape: type, document: object, steps: Sequence[str | int]) -> str | None:
    """What the field's own description says may stand there, without its full stop; None where it has none."""
    words = (text for place in _places(shape, document, steps) for text in _descriptions(place))
    return next((text.rstrip(".") for text in words), None)


def _places(shape: type, document: object, steps: Sequence[str | int]) -> list[inspect.Type]:
    places, value = [_type_info(shape)], document
    for step in steps:
        places = [inner for place in places for inner in _inside(place, value, step)]
        value = _value_in(value, step)
    return places


@cache
def _type_info(shape: type) -> inspect.Type:
    return inspect.type_info(shape)


def _choices(place: inspect.Type) -> Iterator[inspect.Type]:
    match place:
        case inspect.UnionType(types=types):
            for each in types:
                yield from _choices(each)
        case inspect.Metadata(type=inner):
            yield from _choices(inner)
        case _:
            yield place


def _inside(place: inspect.Type, value: object, step: str | int) -> Iterator[inspect.Type]:
    for choice in _choices(place):
        match choice:
            case inspect.StructType(fields=fields) if isinstance(value, dict):
                if choice.tag_field is not None and step == choice.tag_field:
                    yield inspect.LiteralType(values=(choice.tag,))
                elif choice.tag_field is None or value.get(choice.tag_field) == choice.tag:
                    yield from (field.type for field in fields if field.encode_name == step)
            case inspect.DictType(value_type=inner) if isinstance(step, str):
                yield inner
            case (
                inspect.ListType(item_type=inner)
                | inspect.VarTupleType(item_type=inner)
                | inspect.SetType(item_type=inner)
                | inspect.FrozenSetType(item_type=inner)
            ) if isinstance(step, int):
                yield inner
            case _:
                continue


def _value_in(value: object, step: str | int) -> object:
    if isinstance(step, int):
        return value[step] if isinstance(value, list) and step < len(value) else None
    return value.get(step) if isinstance(value, dict) else None


def _named(place: inspect.Type) -> Iterator[str]:
    for choice in _choices(place):
        match choice:
            case inspect.EnumType(cls=enumeration):
                yield from (str(member.value) for member in enumeration)
            case inspect.LiteralType(values=values):
                yield from (str(value) for value in values)
            case _:
                continue


def _descriptions(place: inspect.Type) -> Iterator[str]:
    match place:
        case inspect.UnionType(types=types):
            for each in types:
                yield from _descriptions(each)
        case inspect.Metadata(type=inner, extra_json_schema=extra):
            if extra is not None and "description" in extra:
                yield str(extra["description"])
            yield from _descriptions(inner)
        case _:
            return
