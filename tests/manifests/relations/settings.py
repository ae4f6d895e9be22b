"""What containers are told by their environment, as the programs themselves read it."""

from downstream.settings import NAMES as DOWNSTREAM_NAMES
from downstream.settings import BadSettings as BadDownstreamSettings
from downstream.settings import Settings as DownstreamSettings
from messenger.health import Limits
from messenger.settings import NAMES as MESSENGER_NAMES
from messenger.settings import BadSettings, Settings
from tests.manifests.objects import Object, Objects, environment, image_name, own_containers

IN_POD = {"KUBERNETES_SERVICE_HOST": "10.96.0.1"}
"""What the kubelet adds to every container, and by which a pod is known."""


def names_exist(objects: Objects) -> list[str]:
    """A setting that nobody reads is a wish, and ends the start."""
    return [
        f"{each.owner} sets {variable['name']}, which is no setting"
        for each, container in own_containers(objects)
        for variable in container.get("env", ())
        if variable["name"].startswith(("MESSENGER_", "DOWNSTREAM_"))
        and variable["name"] not in {*MESSENGER_NAMES, *DOWNSTREAM_NAMES}
    ]


def values_are_taken(objects: Objects) -> list[str]:
    """What a container is told starts it: exit status 78 is a crash loop here."""
    problems = []
    for each, container in own_containers(objects):
        try:
            read(container)
        except (BadSettings, BadDownstreamSettings) as error:
            problems += [f"{each.owner}: {line}" for line in error.lines]
    return problems


def read(container: Object) -> Settings | DownstreamSettings:
    """Return the settings of a container of ours.

    Raises:
        BadSettings: It would not start.
    """
    environ = environment(container) | IN_POD
    if image_name(container) == "messenger-downstream":
        return DownstreamSettings.from_env(environ)
    return Settings.from_env(environ, host_name="pod")


def limits(container: Object) -> Limits:
    """Return the limits that the settings of a container amount to."""
    settings = read(container)
    given = Limits(
        drain_min_seconds=settings.drain_min_seconds,
        drain_max_seconds=settings.drain_max_seconds,
        drain_cancel_seconds=settings.drain_cancel_seconds,
    )
    if isinstance(settings, DownstreamSettings):
        return given
    return Limits(
        drain_min_seconds=settings.drain_min_seconds,
        drain_max_seconds=settings.drain_max_seconds,
        drain_cancel_seconds=settings.drain_cancel_seconds,
        stall_broken_seconds=settings.stall_broken_seconds,
    )
