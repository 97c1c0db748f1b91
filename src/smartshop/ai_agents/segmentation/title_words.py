"""The words of a product's title, in any script, in a form in which the same word is the same."""

import re
from collections.abc import Iterable

_MARKS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0eff\u1000-\u109f\u1780-\u17d3"
"""Vowel signs and accents that stand beside their letters and are no letters by themselves."""
_LETTERS = rf"(?:[^\W\d_]|[{_MARKS}])+"
_WORD = re.compile(rf"{_LETTERS}(?:[-'’]{_LETTERS})*")
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0e7f]")
"""Scripts that write no spaces (kana, Han, Thai): their words are taken as pairs of characters."""
_LITTLE = frozenset(
    "the of and with for in on to by a an de la le les et du des der die das und mit für el los las y".split()
)
DESCRIBING = frozenset(
    "red blue green pink white black ivory cream silver gold golden brown purple yellow orange grey gray lilac beige "
    "turquoise colour color coloured multicolour assorted natural large small mini medium big little tall round "
    "set pack piece pcs pair assortment asstd design style new print pattern size "
    "rot blau grün rosa weiß weiss schwarz silber braun gelb grau bunt natur groß gross klein neu stück paar "
    "rouge bleu vert rose blanc noir argent jaune gris grand petit nouveau lot paire "
    "rojo azul verde blanco negro plata oro amarillo gris grande pequeño nuevo juego pieza "
    "rosso blu bianco nero argento giallo grigio piccolo nuovo rood blauw groen wit zwart zilver geel groot".split()
)
"""Stems of what goods look like and come in; they say little of what a thing is, so they count less in a title."""
PROPER = frozenset("christmas xmas easter halloween valentine valentines hanukkah diwali ramadan".split())
"""Written with a capital wherever they stand, as far as a title in capitals lets one know."""
_ENGLISH = frozenset("the of and with for".split())
_NOT_ENGLISH = frozenset(
    "de la le les et du des der die das und mit für el los las con y avec pour di il per met voor van een en".split()
)
_UNCOUNTED = frozenset(
    "paper wrap bunting stationery jewellery jewelry cutlery lighting furniture clothing crockery tableware glass wood "
    "metal fabric felt cotton linen silk wool lace art decor food tea coffee sugar chocolate honey bread rice oil wine "
    "beer water milk soap incense luggage equipment gear time vintage retro retrospot polkadot antique".split()
)
"""Goods that are not counted, and words of style that end some titles."""
MIN_LENGTH = 3
"""Shorter Latin words (`in`, `st`, `6x`) tell nothing of a product."""


def surface_words(title: str) -> list[str]:
    """The words as written, numbers and little words left out; unspaced scripts in pairs of characters."""
    found: list[str] = []
    for word in _WORD.findall(title):
        if _UNSPACED.search(word):
            found.extend(word[start : start + 2] for start in range(max(len(word) - 1, 1)))
        elif len(word) >= MIN_LENGTH and word.casefold() not in _LITTLE:
            found.append(word)
    return found


def stem(word: str) -> str:
    """`Bags` and `bag` are one word; only the plural's s goes, since it is all that many languages share.

    >>> [stem(word) for word in ("Bags", "GLASS", "T-Light")]
    ['bag', 'glass', 't-light']
    """
    folded = word.casefold().replace("’", "'").removesuffix("'s")
    is_plural = folded.endswith("s") and not folded.endswith(("ss", "us", "is"))
    return folded[:-1] if is_plural and folded.isascii() and len(folded) > MIN_LENGTH else folded


def is_english(titles: Iterable[str]) -> bool:
    """Whether more titles hold a little word of English than one of its neighbours."""
    english = other = 0
    for title in titles:
        words = set(title.casefold().split())
        english += not words.isdisjoint(_ENGLISH)
        other += not words.isdisjoint(_NOT_ENGLISH)
    return english > other


def english_plural(word: str) -> str:
    """Of a noun in small letters; as it is where it is one already or is not counted.

    >>> [english_plural(word) for word in ("sign", "dolly", "tray", "box", "bunting", "scissors")]
    ['signs', 'dollies', 'trays', 'boxes', 'bunting', 'scissors']
    """
    is_plural = word.endswith("s") and not word.endswith(("ss", "us"))
    if is_plural or not word.isascii() or word in _UNCOUNTED or word in PROPER or word.endswith(("ware", "wear")):
        return word
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith(("s", "x", "z", "ch", "sh")) else f"{word}s"


def words_of(title: str) -> list[str]:
    """The stems of a title's words, in their order."""
    return [stem(word) for word in surface_words(title)]


def as_name(words: str) -> str:
    """Words of a title as the beginning of a name: `Lunch bags`, `Vintage Christmas`."""
    within = in_sentence(words)
    return f"{within[:1].upper()}{within[1:]}"


def in_sentence(words: str) -> str:
    """The same amid a sentence: `lunch bags`, `vintage Christmas`."""
    return " ".join(word.capitalize() if word.casefold() in PROPER else word.lower() for word in words.split(" "))
