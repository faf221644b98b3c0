"""Phrases are data: complete in every language, safe whatever data they carry, figures in the language's own way."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ivr.speech import FOLDER, PLACEHOLDERS, PhrasesInvalid, check_phrases, clean, languages, phrases_for, read_phrases

ENGLISH = yaml.safe_load((FOLDER / "en.yaml").read_text(encoding="utf-8"))

PEOPLE = ENGLISH["people"]
TITLES = PEOPLE["titles"]


def without(title: str) -> dict[str, str]:
    return {known: word for known, word in TITLES.items() if known != title}


def test_how_people_are_called_is_named_form_by_form() -> None:
    for people in (None, {}, {"order": "{title} {name}", "titles": None}):
        complaints = list(check_phrases({**ENGLISH, "people": people}))
        assert "people.titles has no word for Prof" in complaints
        assert "people.addressed has no word for Mr" in complaints


@pytest.mark.parametrize("tag", ["en", "zh-CN", "pl", "id"])
def test_a_shipped_language_is_complete(tag: str) -> None:
    document = yaml.safe_load((FOLDER / f"{tag}.yaml").read_text(encoding="utf-8"))
    assert list(check_phrases(document)) == []
    assert set(languages()[tag].templates) == set(PLACEHOLDERS)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"hold.next": None}, "phrase hold.next is missing"),
        ({"hold.position": "You are in line."}, "phrase hold.position does not say {position}"),
        ({"hold.next": "Next is {agent}."}, "phrase hold.next uses {agent}, which it is not given"),
        ({"hold.next": "Next {"}, "phrase hold.next has an unbalanced brace"),
        ({"hold.nxt": "Next"}, "phrase hold.nxt is never spoken"),
        ({"people": PEOPLE | {"order": "{name}"}}, "people.order uses {title} and {name}, and nothing else"),
        ({"people": PEOPLE | {"titles": without("Mrs")}}, "people.titles has no word for Mrs"),
        ({"people": PEOPLE | {"addressed": without("Dr")}}, "people.addressed has no word for Dr"),
        ({"people": PEOPLE | {"titles": TITLES | {"Sir": "Sir"}}}, "people.addressed has no word for Sir"),
        ({"people": PEOPLE | {"addressed": TITLES | {"Sir": "Sir"}}}, "people.titles has no word for Sir"),
    ],
)
def test_what_a_file_lacks_is_named(change: dict[str, object], complaint: str) -> None:
    assert list(check_phrases({**copy.deepcopy(ENGLISH), **change})) == [complaint]


def test_a_file_of_no_language_or_no_yaml_is_refused(tmp_path: Path) -> None:
    for name, text in (("tlh-XX-no.yaml", "a: b"), ("en.yaml", "a: [")):
        path = tmp_path / name
        path.write_text(text)
        with pytest.raises(PhrasesInvalid, match=name):
            read_phrases(path)


def test_a_file_that_cannot_be_spoken_from_silences_its_own_language_only(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for tag in ("en", "pl"):
        (tmp_path / f"{tag}.yaml").write_text((FOLDER / f"{tag}.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    german = yaml.safe_dump({key: words for key, words in ENGLISH.items() if key != "hold.next"})
    (tmp_path / "de.yaml").write_text(german)
    assert set(languages(tmp_path)) == {"en", "pl"}
    assert phrases_for("de", "pl", tmp_path).tag == "pl"
    assert [record.__dict__["fields"] for record in caplog.records] == [{"why": "de.yaml: phrase hold.next is missing"}]


def test_a_folder_nobody_can_speak_from_is_refused(tmp_path: Path) -> None:
    (tmp_path / "en.yaml").write_text("a: [")
    with pytest.raises(PhrasesInvalid, match="no language"):
        phrases_for("en", folder=tmp_path)


@pytest.mark.parametrize(
    ("wanted", "spoken"),
    [("zh-CN", "zh-CN"), ("zh", "zh-CN"), ("en-GB", "en"), ("PL", "pl"), ("fr", "id"), ("xx", "id")],
)
def test_a_language_falls_back_to_its_base_and_then_to_the_site_s(wanted: str, spoken: str) -> None:
    assert phrases_for(wanted, "id").tag == spoken


@pytest.mark.parametrize(
    ("tag", "her", "him", "to_him", "three_minutes", "thousands"),
    [
        ("en", "Ms Li Wei", "Mr Li Wei", "Mr Li Wei", "3 minutes", "1,234"),
        ("zh-CN", "Li Wei女士", "Li Wei先生", "Li Wei先生", "3分钟", "1,234"),
        ("pl", "Pani Li Wei", "Pan Li Wei", "Panie Li Wei", "3 minuty", "1\u00a0234"),
        ("id", "Ibu Li Wei", "Bapak Li Wei", "Bapak Li Wei", "3 menit", "1.234"),
    ],
)
def test_people_and_figures_are_spoken_the_language_s_way(
    tag: str, her: str, him: str, to_him: str, three_minutes: str, thousands: str
) -> None:
    speak = phrases_for(tag)
    assert speak.person("Li Wei", "Ms.") == speak.addressed_as("Li Wei", "Ms") == her
    assert speak.person("Li Wei", "Mr") == him
    assert speak.addressed_as("Li Wei", "Mr.") == to_him
    assert speak.person("Li Wei", "Countess") == speak.addressed_as("Li Wei", "Countess") == "Li Wei"
    assert speak.minutes(180_000) == three_minutes
    assert speak.number(1234) == thousands


@pytest.mark.parametrize(
    ("ms", "spoken"), [(45_000, "45 seconds"), (60_000, "1 minute"), (3_600_000, "60 minutes"), (7_200_000, "2 hours")]
)
def test_a_duration_is_said_in_its_own_unit(ms: int, spoken: str) -> None:
    assert phrases_for("en").minutes(ms) == spoken


@given(st.text(max_size=300))
def test_nothing_in_a_name_can_be_more_than_a_name(name: str) -> None:
    spoken = phrases_for("en").say("question.busy", agent=name)
    assert len(spoken) <= 60 + len(" is with another customer.")
    assert not set("<>&{}\n\r\0") & set(spoken)
    assert clean(clean(name)) == clean(name)
