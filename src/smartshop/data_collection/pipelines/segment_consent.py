"""What Segment's consent event says, in our purposes.

Source: Segment's "Consent Management": the track event `Segment Consent Preference Updated` with the consent object
`context.consent.categoryPreferences`, category → granted; its mobile wrapper puts the object into the properties.
Each shop names its categories itself. Known here are the usual words and the codes of OneTrust, which Segment's own
wrapper sends as they are.
"""

import msgspec

from smartshop.data_collection.pipelines.loose_json import Json, object_of
from smartshop.data_collection.pipelines.refusals import refuse
from smartshop.data_collection.schemas.customers import Purpose
from smartshop.data_collection.schemas.events import Event

_WORDS = {
    Purpose.ANALYTICS: ("analytics", "performance", "statistics", "measurement", "c0002"),
    Purpose.PERSONALISATION: (
        "personalisation", "personalization", "functional", "functionality", "preferences", "c0003",
    ),
    Purpose.MARKETING: ("marketing", "advertising", "ads", "targeting", "social media", "c0004", "c0005"),
}  # fmt: skip
_PURPOSE_OF = {word: purpose for purpose, words in _WORDS.items() for word in words}
_NEVER_ASKED = frozenset({"necessary", "strictly necessary", "essential", "required", "c0001"})
"""Without these there is no shop; they are no purpose of ours."""
WITHOUT_PURPOSE = "categories_without_purpose"
"""The property that keeps the categories of the shop's own which changed nothing here."""


def category_preferences(properties: Json, context: Json) -> Json | None:
    """Category → granted, as sent; None where the event holds no consent object."""
    for place in (context, properties):
        preferences = object_of(object_of(place, "consent"), "categoryPreferences")
        if preferences:
            return preferences
    return None


def with_consent(event: Event, preferences: Json, properties: Json) -> Event:
    """Return the event with its consent by purpose. Where several categories are one purpose, all must be granted.

    Raises:
        InvalidValue: a category that is neither true nor false, or none that is a purpose of ours.
    """
    consent: dict[str, bool] = {}
    unknown: dict[str, bool] = {}
    for category, granted in preferences.items():
        if not isinstance(granted, bool):
            refuse("bad_consent", f"The category {category[:40]!r} is {str(granted)[:40]!r}; send true or false.")
        purpose = _PURPOSE_OF.get(_word(category))
        if purpose is not None:
            consent[purpose.value] = granted and consent.get(purpose.value, True)
        elif _word(category) not in _NEVER_ASKED:
            unknown[category] = granted
    if not consent:
        _refuse_all(preferences)
    rest = {name: value for name, value in properties.items() if name != "consent"}
    if unknown:
        rest[WITHOUT_PURPOSE] = unknown
    return msgspec.structs.replace(event, consent=consent, properties=rest or None)


def _word(category: str) -> str:
    """`Social_Media` and `social-media` are one word."""
    return " ".join(category.casefold().replace("_", " ").replace("-", " ").split())


def _refuse_all(preferences: Json) -> None:
    named = ", ".join(repr(category[:40]) for category in list(preferences)[:5])
    refuse(
        "unknown_purpose",
        f"None of the consent categories ({named}) is known; name them Analytics, Functional or Advertising, or send "
        "consent_changed with our purposes.",
    )
