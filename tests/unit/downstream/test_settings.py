"""The environment is read whole, and a wrong word in it is refused with one line."""

import dataclasses
from pathlib import Path

import pytest

from downstream.__main__ import USAGE
from downstream.settings import NAMES, SERVICES, BadSettings, Settings


def test_empty_environment_plays_everything_on_loopback() -> None:
    """The defaults are right for a laptop."""
    settings = Settings.from_env({})

    assert settings == Settings()
    assert (settings.services, settings.host, settings.port) == (SERVICES, "127.0.0.1", 8080)


def test_defaults_can_be_written_out_and_empty_values_stand_for_them() -> None:
    """A manifest may say what it relies on, and a ConfigMap may leave a name without a value."""
    written = {"DOWNSTREAM_SERVICES": "all", "DOWNSTREAM_LOG_FORMAT": "json"}

    assert Settings.from_env({**written, "DOWNSTREAM_PORT": " "}) == Settings()


def test_every_setting_can_be_set() -> None:
    """Each name of the environment reaches its field, in the field's own type."""
    settings = Settings.from_env(
        {
            "DOWNSTREAM_SERVICES": "links, accounts",
            "DOWNSTREAM_PEOPLE": "8",
            "DOWNSTREAM_HOST": "0.0.0.0",  # noqa: S104 - as in a pod
            "DOWNSTREAM_PORT": "0",
            "DOWNSTREAM_FAULTS": "all=error:15%",
            "DOWNSTREAM_FAULTS_SEED": "7",
            "DOWNSTREAM_STATE_DIR": "/state",
            "DOWNSTREAM_LOG_FORMAT": "text",
            "DOWNSTREAM_DRAIN_MIN_SECONDS": "0",
            "DOWNSTREAM_DRAIN_MAX_SECONDS": "1.5",
            "DOWNSTREAM_DRAIN_CANCEL_SECONDS": "2",
            "PATH": "/bin",
        }
    )

    assert settings == Settings(
        services=("accounts", "links"),
        people=8,
        host="0.0.0.0",  # noqa: S104 - as in a pod
        port=0,
        faults="all=error:15%",
        faults_seed=7,
        state_dir=Path("/state"),
        log_format="text",
        drain_min_seconds=0.0,
        drain_max_seconds=1.5,
        drain_cancel_seconds=2.0,
    )
    assert list(settings.faults_by_service) == ["accounts", "links"]


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("SERVICES", "accounts,nobody", "'accounts,nobody' is not \"all\" or a list of names"),
        ("PEOPLE", "7", "'7' is not a whole number from 8 to 1000000"),
        ("PORT", "65536", "'65536' is not a whole number from 0 to 65535"),
        ("PORT", "tcp://10.0.0.1:80", "'tcp://10.0.0.1:80' is not a whole number"),
        ("FAULTS", "consent=eror:5%", "'eror:5%' is no fault; allowed: error:15%"),
        ("FAULTS", "nobody=error:5%", "begins with no service"),
        ("FAULTS_SEED", "x", "'x' is not a whole number"),
        ("LOG_FORMAT", "xml", "'xml' is not one of json, text"),
        ("DRAIN_MIN_SECONDS", "nan", "'nan' is not a number of seconds"),
        ("DRAIN_MIN_SECONDS", "16", "is longer than DOWNSTREAM_DRAIN_MAX_SECONDS"),
        ("COLOUR", "blue", "there is no such setting"),
    ],
)
def test_wrong_setting_is_refused_with_one_line_that_names_it(
    name: str, text: str, line: str
) -> None:
    """The line says which setting, what it was, and what is allowed."""
    with pytest.raises(BadSettings) as refusal:
        Settings.from_env({f"DOWNSTREAM_{name}": text})

    (told,) = refusal.value.lines
    assert told.startswith(f"DOWNSTREAM_{name}")
    assert line in told


def test_all_problems_are_told_at_once() -> None:
    """Nobody has to start three times to find three mistakes."""
    with pytest.raises(BadSettings) as refusal:
        Settings.from_env(
            {"DOWNSTREAM_PORT": "x", "DOWNSTREAM_PEOPLE": "x", "DOWNSTREAM_NOTHING": "x"}
        )

    assert len(refusal.value.lines) == 3


def test_help_lists_every_setting_with_its_default() -> None:
    """What --help says and what the code does are the same."""
    listed = {
        words[0]: words[-1]
        for line in USAGE.splitlines()
        if (words := line.split()) and words[0].startswith("DOWNSTREAM_")
    }
    defaults = {
        name: str(field.default)
        for name, field in NAMES.items()
        if isinstance(field.default, int | float) or field.name in {"host", "log_format"}
    }

    assert list(listed) == list(NAMES)
    assert {name: listed[name] for name in defaults} == {
        name: default.removesuffix(".0") for name, default in defaults.items()
    }
    assert len(dataclasses.fields(Settings)) == len(listed)
