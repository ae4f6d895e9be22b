"""The text of --help."""

import pytest

from messenger import settings, usage


def test_the_text_lists_every_setting_with_default_and_sentence() -> None:
    """No setting can be added without its line."""
    text = usage.render()

    for name, field in settings.fields().items():
        assert f"  {name}  (default: {usage.default_text(field.default)})\n" in text
        assert usage.field_sentences()[field.name].split()[0] in text


def test_every_setting_has_a_sentence() -> None:
    """A field without a docstring would be a setting that nobody explains."""
    sentences = usage.field_sentences()

    missing = {field.name for field in settings.fields().values()} - set(sentences)
    assert not missing
    assert all(sentence.strip() for sentence in sentences.values())


@pytest.mark.parametrize(
    ("docstring", "expected"),
    [
        pytest.param("How long.\n\n3 s: a person waits.", "How long.", id="of several"),
        pytest.param("Such as 1.5 of it", "Such as 1.5 of it", id="a dot inside a number"),
    ],
)
def test_the_first_sentence_ends_where_a_reader_ends_it(docstring: str, expected: str) -> None:
    """Reasons stay in the source; the sentence goes into the text."""
    assert usage.first_sentence(docstring) == expected


@pytest.mark.parametrize(
    ("default", "expected"), [(None, "none"), (True, "true"), (3.0, "3"), (8080, "8080")]
)
def test_a_default_reads_as_one_would_write_it(default: object, expected: str) -> None:
    """What is printed can be copied into the environment."""
    assert usage.default_text(default) == expected


def test_no_line_is_wider_than_a_terminal() -> None:
    """The text is read in a terminal of 100 columns."""
    assert max(len(line) for line in usage.render().splitlines()) <= 100
