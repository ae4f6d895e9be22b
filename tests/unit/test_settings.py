"""Settings: what the environment may hold, and what is said of what it may not."""

from pathlib import Path

import pytest

from messenger.settings import NAMES, BadSettings, Settings, fields

TOKEN = "MESSENGER_DEBUG_TOKEN"  # noqa: S105 - the name of a setting


def read(**environ: str) -> Settings:
    """Read settings from an environment that holds only `environ`."""
    return Settings.from_env(environ, host_name="laptop")


def refusal(**environ: str) -> tuple[str, ...]:
    """Return what is said of an environment that cannot be obeyed."""
    with pytest.raises(BadSettings) as caught:
        read(**environ)
    return caught.value.lines


def test_an_empty_environment_gives_the_documented_defaults() -> None:
    """The defaults that others rely on are those of the product's description."""
    settings = read()

    assert (settings.host, settings.port, settings.version) == ("127.0.0.1", 8080, "1.0")
    assert settings.is_embedded
    assert settings.downstream_deadline_seconds == 3
    assert settings.termination_log == Path("/dev/termination-log")
    assert settings.exit_after_broken_seconds is None


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        pytest.param("MESSENGER_PORT", "0", 0, id="a port that the system picks"),
        pytest.param("MESSENGER_PORT", " 81\n", 81, id="white space around a value"),
        pytest.param("MESSENGER_PORT", "", 8080, id="an empty value counts as absent"),
        pytest.param("MESSENGER_STALL_BROKEN_SECONDS", "never", None, id="never"),
        pytest.param("MESSENGER_DRAIN_READY", "200", 200, id="a status"),
        pytest.param("MESSENGER_FAULTS_SEED", "7", 7, id="a seed"),
        pytest.param("MESSENGER_FAULTS_ENABLED", "true", True, id="a flag"),
        pytest.param("MESSENGER_TERMINATION_LOG", "/var/last", Path("/var/last"), id="a path"),
        pytest.param(
            "MESSENGER_DOWNSTREAM_URL",
            "http://{service}:8080/",
            "http://{service}:8080",
            id="an address, its final slash dropped",
        ),
    ],
)
def test_a_value_is_read_as_its_field_says(name: str, text: str, expected: object) -> None:
    """Each kind of value arrives in the type of its field."""
    settings = read(**{name: text})

    assert getattr(settings, fields()[name].name) == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("MESSENGER_PORT", "65536", id="a port too high"),
        pytest.param("MESSENGER_PORT", "http", id="a port by name"),
        pytest.param("MESSENGER_DRAIN_MAX_SECONDS", "nan", id="no number"),
        pytest.param("MESSENGER_DRAIN_MAX_SECONDS", "-1", id="a negative duration"),
        pytest.param("MESSENGER_LOG_FORMAT", "JSON", id="another spelling"),
        pytest.param("MESSENGER_FAULTS_ENABLED", "yes", id="another yes"),
        pytest.param("MESSENGER_DRAIN_READY", "204", id="a status not offered"),
        pytest.param("MESSENGER_TERMINATION_LOG", "last", id="a relative path"),
        pytest.param("MESSENGER_VERSION", "canary", id="a version without a number"),
        pytest.param("MESSENGER_VERSION", "1.0-", id="a version that is no label"),
        pytest.param("MESSENGER_VERSION", "1" * 64, id="a version too long for a label"),
        pytest.param("MESSENGER_DOWNSTREAM_URL", "http://mocks:8080", id="an address of nobody"),
        pytest.param("MESSENGER_DOWNSTREAM_URL", "ftp://{service}", id="another scheme"),
        pytest.param("MESSENGER_DOWNSTREAM_URL", "http://{service}/{x}", id="another place"),
        pytest.param("MESSENGER_DOWNSTREAM_URL", "http://[{service}", id="no address at all"),
        pytest.param("MESSENGER_HOST", "a b", id="a host with a space"),
    ],
)
def test_a_bad_value_is_refused_in_one_line_that_names_it(name: str, text: str) -> None:
    """The line tells the setting, what stood there, and what may stand there."""
    lines = refusal(**{name: text})

    assert len(lines) == 1
    assert lines[0].startswith(f"{name}: {text[:60]!r}"[:-1])
    assert "\n" not in lines[0]


def test_all_problems_are_reported_at_once() -> None:
    """Whoever repairs a ConfigMap repairs it once."""
    lines = refusal(MESSENGER_PORT="x", MESSENGER_HOTS="::", MESSENGER_DRAIN_READY="x")

    assert [line.partition(":")[0] for line in lines] == [
        "MESSENGER_PORT",
        "MESSENGER_DRAIN_READY",
        "MESSENGER_HOTS",
    ]


def test_a_bad_list_of_faults_is_refused_with_the_bad_part() -> None:
    """The grammar's own explanation reaches whoever wrote the list."""
    (line,) = refusal(MESSENGER_FAULTS="errr:15%", MESSENGER_FAULTS_ENABLED="true")

    assert line.startswith("MESSENGER_FAULTS: 'errr:15%' is not a list of faults: ")
    assert line.count("errr") > 1


def test_a_secret_is_repeated_nowhere() -> None:
    """A refused token is not shown, nor is an accepted one by repr."""
    (line,) = refusal(**{TOKEN: "open sesame"})

    assert "sesame" not in line
    assert "sesame" not in repr(read(**{TOKEN: "open-sesame"}))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("MESSENGER_PORT", "tcp://10.96.0.7:8080", id="the value of a known name"),
        pytest.param("MESSENGER_SERVICE_HOST", "10.96.0.7", id="a host"),
        pytest.param("MESSENGER_SERVICE_PORT_HTTP", "8080", id="a named port"),
        pytest.param("MESSENGER_PORT_8080_TCP", "tcp://10.96.0.7:8080", id="a port's address"),
        pytest.param("MESSENGER_PORT_8080_TCP_PROTO", "tcp", id="a port's protocol"),
        pytest.param("MESSENGER_V2_SERVICE_PORT", "8080", id="another Service's port"),
    ],
)
def test_a_kubernetes_service_link_is_recognised(name: str, text: str) -> None:
    """The line names the cure: nobody wrote these variables."""
    (line,) = refusal(**{name: text})

    assert line.startswith(f"{name}: ")
    assert "enableServiceLinks: false" in line


def test_a_misspelt_name_is_refused_with_the_likely_one() -> None:
    """A setting that is silently ignored is worse than one that is refused."""
    (line,) = refusal(MESSENGER_CONCURENCY_LIMIT="9")

    assert line.startswith("MESSENGER_CONCURENCY_LIMIT: there is no such setting; ")
    assert line.endswith("did you mean MESSENGER_CONCURRENCY_LIMIT?")


def test_unknown_names_pass_when_a_roll_back_asks_for_it() -> None:
    """An older release meets a newer ConfigMap, and remembers what to warn of."""
    settings = read(MESSENGER_UNKNOWN_SETTINGS="warn", MESSENGER_SHINY="1", OTHER="x")

    assert settings.unknown_names == ("MESSENGER_SHINY",)


def test_faults_act_only_where_they_are_enabled() -> None:
    """A leftover of an experiment does not follow the image into production."""
    lines = refusal(MESSENGER_FAULTS="error:15%")

    assert lines == (
        "MESSENGER_FAULTS is set, but faults act only with MESSENGER_FAULTS_ENABLED=true",
    )
    assert read(MESSENGER_FAULTS="error:15%", MESSENGER_FAULTS_ENABLED="true").faults == "error:15%"


def test_a_pod_needs_real_downstreams() -> None:
    """Embedded mocks in a cluster would promise what nobody delivers."""
    (line,) = refusal(KUBERNETES_SERVICE_HOST="10.96.0.1")

    assert line.startswith("MESSENGER_DOWNSTREAM_URL is not set")


def test_a_pod_has_a_backstop_that_a_laptop_has_not() -> None:
    """A process that is broken ends itself where somebody restarts it, unless told otherwise."""
    pod = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "MESSENGER_DOWNSTREAM_URL": "http://{service}"}

    assert read(**pod).exit_after_broken_seconds == 45
    assert (
        read(**pod, MESSENGER_EXIT_AFTER_BROKEN_SECONDS="never").exit_after_broken_seconds is None
    )
    assert read(**pod, MESSENGER_EXIT_AFTER_BROKEN_SECONDS="0").exit_after_broken_seconds == 0


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"POD_NAME": "messenger-1", "HOSTNAME": "h"}, "messenger-1"),
        ({"HOSTNAME": "h"}, "h"),
        ({}, "laptop"),
    ],
    ids=["downward API", "HOSTNAME", "neither"],
)
def test_the_pod_is_called_by_the_best_name_there_is(
    environ: dict[str, str], expected: str
) -> None:
    """The downward API's name wins over the host's."""
    assert read(**environ).pod == expected


@pytest.mark.parametrize(
    ("shorter", "longer"),
    [
        ("DRAIN_MIN_SECONDS", "DRAIN_MAX_SECONDS"),
        ("STALL_SUSPECT_SECONDS", "STALL_UNREADY_SECONDS"),
        ("STALL_UNREADY_SECONDS", "STALL_BROKEN_SECONDS"),
    ],
)
def test_limits_that_contradict_each_other_are_refused(shorter: str, longer: str) -> None:
    """A limit that an earlier one can never reach is a mistake, not a choice."""
    lines = refusal(**{f"MESSENGER_{shorter}": "99"})

    assert f"MESSENGER_{shorter} is longer than MESSENGER_{longer}" in lines


def test_every_name_has_the_prefix_and_its_own_field() -> None:
    """The table of names is made of the dataclass, so neither can fall behind."""
    assert {name.removeprefix("MESSENGER_").lower() for name in NAMES} == {
        field.name for field in fields().values()
    }
