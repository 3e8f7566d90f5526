"""Every word stands in both languages, and the outputs' fixed values all have one."""

import pytest

from data.catalog import Text
from delivery import labels, outputs

GROUPS = {
    name: words
    for name, words in vars(labels).items()
    if isinstance(words, dict) and words and all(isinstance(text, Text) for text in words.values())
}


@pytest.mark.parametrize("name", sorted(GROUPS))
def test_every_word_stands_in_both_languages(name: str) -> None:
    for text in GROUPS[name].values():
        assert text.en.strip()
        assert text.ja.strip()


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (labels.BANDS, outputs.BANDS),
        (labels.SEGMENTS, outputs.SEGMENTS),
        (labels.STAGES, outputs.STAGES),
        (labels.CHANNELS, outputs.CHANNELS),
        (labels.MOVEMENTS, outputs.MOVEMENTS),
        (labels.ASSIGNMENTS, tuple(a for a in outputs.ASSIGNMENTS if a != "holdout")),
    ],
)
def test_each_value_that_an_output_may_take_has_a_word(words: dict[str, Text], values: tuple[str, ...]) -> None:
    assert set(words) == set(values)


def test_the_contracts_gates_have_words_and_a_way_out() -> None:
    not_now = ["no_consent", "do_not_contact", "onboarding", "serious_ticket", "unhappy", "falling_use"]
    limits = ["recent_refusal", "contact_limit"]
    of_the_offer = ["not_eligible", "not_applicable", "not_suitable", "offer_ended", "no_gain"]
    assert list(labels.GATES) == [*not_now, *limits, *of_the_offer]


def test_answers_can_be_told_apart_in_each_language_and_read_back() -> None:
    for words in (labels.ANSWERS, labels.DECLINE_REASONS):
        for language in ("en", "ja"):
            said = [text[language] for text in words.values()]
            assert len(set(said)) == len(said)
            assert len(",".join(said)) <= 255, "Excel takes no longer list in a drop-down"
            assert not any("," in word for word in said)
