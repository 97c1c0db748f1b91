"""Words that would turn a description of purchases into a claim about a person; such topics stay unnamed.

Gender, age, family, health, belief, origin and intimacy are never inferred: a segment is not called by a category that
suggests one of them, however telling it is.
"""

import re

_STEMS = (
    "men mens man woman women womens boy girl lad lady ladies gent male female unisex homme femme herren damen "
    "frauen männer hombre mujer uomo donna jungen mädchen kid kids child childs children childrens childhood baby "
    "babies infant toddler teen teens teenage teenager senior seniors elderly adult adults enfant bébé kinder niño "
    "niña bambini bambino schwanger nursery maternity pregnancy pregnant nursing mum mums mother mothers dad dads "
    "father fathers mama papa parent parents health healthcare medical medicine medication pharmacy drug drugs "
    "disease diabetic diabetes incontinence allergy gesundheit apotheke salud farmacia santé pharmacie disability "
    "diet fertility contraception condom condoms religion religious church bible quran "
    "muslim islamic christian jewish hindu halal kosher ethnic african asian latino erotic sexual sex sexy "
    "intimate lingerie gay lesbian lgbt pride plus-size political politics union cannabis tobacco hen "
    "bride bridal"
)
_WORDS = frozenset(_STEMS.split())
_TOKEN = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


def is_sensitive(words: str) -> bool:
    """Whether a category or family name touches on what must not be inferred.

    >>> is_sensitive("Pregnancy & nursery maternity"), is_sensitive("Women's Dresses"), is_sensitive("Garden tools")
    (True, True, False)
    """
    plain = words.casefold().replace("’", "'").replace("'s", "")
    tokens = [part for token in _TOKEN.findall(plain) for part in (token, *token.split("-"))]
    return any(token in _WORDS or token.removesuffix("s") in _WORDS for token in tokens)
