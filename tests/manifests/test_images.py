"""The images, built and run: their size, their user, their start and their stop.

`docker` is the user's, with whatever builder the environment chooses.
"""

import contextlib
import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.manifests.rendering import ROOT

pytestmark = pytest.mark.slow

MOST_OVER_BASE = 45_000_000
"""The limit of the specification, in bytes."""

SOURCE = "https://source.example/messenger"
REVISION = "0123456789abcdef0123456789abcdef01234567"

BUILD_SECONDS = 900.0
"""How long one build may take: from nothing, on two busy cores and a slow package index."""

START_SECONDS = 30.0
"""How long a container may take to be ready: two on an idle machine."""

IMAGES = {
    "messenger-v1": ("messenger/Dockerfile", "1.0"),
    "messenger-v2": ("messenger/Dockerfile", "2.0"),
    "messenger-downstream": ("downstream/Dockerfile", "1.0"),
}
"""Dockerfile and version of each image."""

TAG = f"test-{os.getpid()}"
"""So that the images of the user, and of tests that run beside these, stay what they are."""


def docker(*arguments: str, seconds: float = 60.0) -> str:
    """Run docker and return what it printed.

    Raises:
        AssertionError: It failed; with what it said.
    """
    done = subprocess.run(  # noqa: S603 - docker, with arguments of our own
        ["docker", *arguments],  # noqa: S607 - the one on PATH is the user's
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, f"docker {arguments}: {done.stdout[-4000:]}"
    return done.stdout


def build(image: str, root: Path = ROOT) -> None:
    """Build one of the images from the files below `root`."""
    dockerfile, version = IMAGES[image]
    arguments = {"VERSION": version, "REVISION": REVISION, "SOURCE": SOURCE}
    given = [word for key, value in arguments.items() for word in ("--build-arg", f"{key}={value}")]
    where = ("--file", str(root / dockerfile), str(root))
    docker("build", "--tag", f"{image}:{TAG}", *given, *where, seconds=BUILD_SECONDS)


@pytest.fixture(scope="module", autouse=True)
def _built() -> Iterator[None]:
    """Build all images, and take their tags away again."""
    if shutil.which("docker") is None:
        pytest.skip("docker is not installed")
    try:
        docker("info")
    except AssertionError:
        pytest.skip("docker does not answer")
    for image in IMAGES:
        build(image)
    yield
    docker("rmi", *(f"{image}:{TAG}" for image in IMAGES))


def inspect(image: str, tag: str = TAG) -> dict[str, Any]:
    """Return what docker knows of an image."""
    (found,) = json.loads(docker("image", "inspect", f"{image}:{tag}"))
    assert isinstance(found, dict)
    return found


@contextlib.contextmanager
def running(image: str, *options: str) -> Iterator[Callable[[str], tuple[int, str]]]:
    """Yield what asks a container over HTTP; the container is as closed as a pod's."""
    name = f"{image}-{TAG}"
    strict = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges")
    docker(
        "run",
        "--detach",
        "--name",
        name,
        *strict,
        "--publish=127.0.0.1::8080",
        *options,
        f"{image}:{TAG}",
    )
    try:
        address = docker("port", name, "8080").split()[-1]

        def ask(path: str) -> tuple[int, str]:
            try:
                with urllib.request.urlopen(f"http://{address}{path}", timeout=5) as answer:
                    return answer.status, answer.read().decode()
            except urllib.error.HTTPError as error:
                with error:
                    return error.code, error.read().decode()

        wait_until_ready(ask, name)
        yield ask
    finally:
        docker("rm", "--force", name)


def wait_until_ready(ask: Callable[[str], tuple[int, str]], name: str) -> None:
    """Wait until the container is ready.

    Raises:
        AssertionError: It was not in time; with its log.
    """
    deadline = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(OSError):
            if ask("/health/ready")[0] == 200:
                return
        assert time.monotonic() < deadline, docker("logs", name)
        time.sleep(0.2)


@pytest.mark.parametrize("image", IMAGES)
def test_the_image_weighs_little_more_than_its_base(
    image: str, record_property: Callable[[str, object], None]
) -> None:
    """At most 45 MB, uncompressed."""
    over = inspect(image)["Size"] - inspect("python", "3.13-slim")["Size"]

    record_property(f"image {image}, MB over its base", round(over / 1e6, 1))
    assert over <= MOST_OVER_BASE


@pytest.mark.parametrize("image", IMAGES)
def test_the_image_says_what_it_is(image: str) -> None:
    """Version, revision and source, in the labels that everybody reads."""
    config = inspect(image)["Config"]
    prefix = "org.opencontainers.image"
    version = IMAGES[image][1]

    assert {
        key: config["Labels"][f"{prefix}.{key}"] for key in ("version", "revision", "source")
    } == {
        "version": version,
        "revision": REVISION,
        "source": SOURCE,
    }
    assert f"MESSENGER_VERSION={version}" in config["Env"] or "downstream" in image


@pytest.mark.parametrize("image", IMAGES)
def test_the_image_holds_no_compiler_and_no_tool_of_the_dev_loop(image: str) -> None:
    """What is not there cannot be used against it."""
    look = (
        "import importlib.util, shutil; "
        "print([n for n in ('gcc', 'cc', 'ld') if shutil.which(n)], "
        "[n for n in ('debugpy', 'watchfiles', 'pytest', 'tests') if importlib.util.find_spec(n)])"
    )

    assert (
        docker("run", "--rm", "--entrypoint", "python", f"{image}:{TAG}", "-c", look).strip()
        == "[] []"
    )


def test_both_versions_share_all_layers() -> None:
    """They differ in what they call themselves."""
    one, two = (inspect(f"messenger-v{n}")["RootFS"]["Layers"] for n in (1, 2))

    assert one == two


def test_the_mocks_share_the_longest_layer() -> None:
    """The dependencies are stored and loaded once."""
    messenger = inspect("messenger-v1")["RootFS"]["Layers"]
    mocks = inspect("messenger-downstream")["RootFS"]["Layers"]
    base = inspect("python", "3.13-slim")["RootFS"]["Layers"]

    assert set(messenger) & set(mocks) > set(base)


def test_the_image_runs_alone_and_says_that_its_mocks_are_embedded() -> None:
    """With a read-only root and no capabilities, as another user than root."""
    with running("messenger-v1", "--env=MESSENGER_HOST=0.0.0.0") as ask:
        assert json.loads(ask("/version")[1])["version"] == "1.0"
        log = docker("logs", f"messenger-v1-{TAG}")
        who = docker("exec", f"messenger-v1-{TAG}", "python", "-c", "import os; print(os.getuid())")

    assert "embedded mocks" in log
    assert int(who) != 0


def test_a_stop_is_heard_by_the_process_and_takes_the_drain() -> None:
    """Five seconds of drain, and exit status 0: no shell has swallowed the signal."""
    name = f"messenger-v2-{TAG}"
    with running("messenger-v2", "--env=MESSENGER_HOST=0.0.0.0") as ask:
        assert json.loads(ask("/version")[1])["version"] == "2.0"
        began = time.monotonic()
        docker("stop", "--time=30", name)
        took = time.monotonic() - began
        status = docker("inspect", "--format={{.State.ExitCode}}", name).strip()

    assert status == "0"
    assert 5 <= took < 25


def test_the_mocks_run_with_a_read_only_root() -> None:
    """And play all twelve."""
    with running("messenger-downstream", "--env=DOWNSTREAM_HOST=0.0.0.0") as ask:
        status, text = ask("/accounts/v1/entries/alice")

    assert (status, json.loads(text)["enabled"]) == (200, True)


def test_a_change_of_the_source_leaves_the_dependencies_alone(tmp_path: Path) -> None:
    """With one line more in the service their layer is the same, and the service's is not."""
    for name in ("messenger", "downstream", "requirements.txt", ".dockerignore"):
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy2
        copy(source, tmp_path / name)
    with (tmp_path / "messenger" / "app.py").open("a", encoding="utf-8") as file:
        file.write("# edited\n")
    before = inspect("messenger-v1")["RootFS"]["Layers"]
    build("messenger-v1", root=tmp_path)
    after = inspect("messenger-v1")["RootFS"]["Layers"]
    build("messenger-v1")

    mocks = inspect("messenger-downstream")["RootFS"]["Layers"]
    assert set(before) & set(after) >= set(before) & set(mocks)
    assert before != after
