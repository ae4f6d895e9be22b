"""skaffold.yaml against what it deploys: names, tags, ports and times.

Each rule is a function from the configuration of one profile to what is wrong with it.
"""

import copy
import re
from collections.abc import Callable
from urllib.parse import urlsplit

from tests.manifests.objects import Object, Objects, find, of_kind, own_containers
from tests.manifests.rendering import K8S, ROOT, Rendering, load, render

SKAFFOLD = load(ROOT / "skaffold.yaml")
KIND = load(K8S / "kind.yaml")
PROFILES = ["", *(profile["name"] for profile in SKAFFOLD["profiles"])]

PROBER = "messenger-prober"
"""The image that is no workload's, but of the Job that verifies."""

Rule = Callable[[Object], list[str]]


def configuration(profile: str) -> Object:
    """Return the configuration with a profile laid over it, lists replaced as Skaffold does."""
    config: Object = copy.deepcopy(SKAFFOLD)
    for each in config.pop("profiles"):
        if each.pop("name") == profile:
            _lay(config, each)
    return config


def _lay(under: Object, over: Object) -> None:
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(under.get(key), dict):
            _lay(under[key], value)
        else:
            under[key] = value


def deployed(config: Object) -> Objects:
    """Return what a configuration deploys."""
    (path,) = config["manifests"]["kustomize"]["paths"]
    return render(Rendering(path.removeprefix("k8s/")))


def artifacts(config: Object) -> dict[str, Object]:
    """Return what a configuration builds, by image."""
    return {each["image"]: each for each in config["build"]["artifacts"]}


CHOICE = re.compile(r'\{\{if eq \.IMAGE_NAME "(.+)"\}\}(.+)\{\{else\}\}(.+)\{\{end\}\}')
"""The one form of template in use: a tag for one image, and another for all the rest."""


def tag(config: Object, image: str) -> str:
    """Return the tag that a configuration gives to an image that it builds."""
    template = str(config["build"]["tagPolicy"]["envTemplate"]["template"])
    choice = CHOICE.fullmatch(template)
    return template if choice is None else choice[2] if image == choice[1] else choice[3]


def builds_what_it_deploys(config: Object) -> list[str]:
    """Every image of ours that runs is built, and no other, but for the prober's."""
    images = {str(c["image"]).rpartition(":")[0] for _, c in own_containers(deployed(config))}
    built = set(artifacts(config))
    return [
        *(f"{name} is deployed and not built" for name in sorted(images - built)),
        *(f"{name} is built and not deployed" for name in sorted(built - images - {PROBER})),
    ]


def builds_on_what_it_builds(config: Object) -> list[str]:
    """An image that is made from another one comes after it, by a build argument that is read."""
    problems = []
    for image, artifact in artifacts(config).items():
        for needed in artifact.get("requires", ()):
            dockerfile = ROOT / artifact["context"] / artifact["docker"]["dockerfile"]
            if needed["image"] not in artifacts(config):
                problems.append(f"{image} is made from {needed['image']}, which is not built")
            if f"FROM ${{{needed['alias']}}}\n" not in dockerfile.read_text(encoding="utf-8"):
                problems.append(f"{image} does not begin from {needed['alias']}")
    return problems


def builds_from_files_that_exist(config: Object) -> list[str]:
    """Each Dockerfile is there, and has the stage that is asked for."""
    problems = []
    for image, artifact in artifacts(config).items():
        docker = artifact["docker"]
        dockerfile = ROOT / artifact["context"] / docker["dockerfile"]
        if not dockerfile.is_file():
            problems.append(f"{image}: there is no {docker['dockerfile']}")
        elif "target" in docker and f" AS {docker['target']}\n" not in dockerfile.read_text():
            problems.append(f"{image}: {docker['dockerfile']} has no stage {docker['target']}")
    return problems


def builds_the_version_of_the_label(config: Object) -> list[str]:
    """The build argument is the version that the pods' label promises."""
    return [
        f"{each.owner} has version {each.labels['version']}, and {given} is built"
        for each, container in own_containers(deployed(config))
        if "version" in each.labels
        for name in [str(container["image"]).rpartition(":")[0]]
        for given in [artifacts(config).get(name, {}).get("docker", {}).get("buildArgs")]
        if given is not None and given.get("VERSION") != each.labels["version"]
    ]


def tags_releases_as_the_manifests_do(config: Object) -> list[str]:
    """What has the tag of the manifests is what runs in production: no stage of the dev loop."""
    problems = []
    for _, container in own_containers(deployed(config)):
        name, _, wanted = str(container["image"]).rpartition(":")
        target = artifacts(config).get(name, {}).get("docker", {}).get("target")
        given = tag(config, name)
        if target is not None and given == wanted:
            problems.append(f"the stage {target} has a release's tag, {given}")
        if given != wanted and not _is_for_the_dev_loop(config):
            problems.append(f"{name}: the tag is {given}, and the manifests have {wanted}")
    return problems


def _is_for_the_dev_loop(config: Object) -> bool:
    return any("target" in artifact["docker"] for artifact in artifacts(config).values())


def deploys_to_kind_only(config: Object) -> list[str]:
    """The context is that of k8s/kind.yaml, and nothing is pushed anywhere."""
    problems = []
    context = f"kind-{KIND['name']}"
    if config["deploy"].get("kubeContext") != context:
        problems.append(f"it deploys to {config['deploy'].get('kubeContext')}, not to {context}")
    if config["build"]["local"].get("push") is not False:
        problems.append("it pushes images")
    if "useBuildkit" in config["build"]["local"]:
        problems.append("useBuildkit breaks with older dockers")
    return problems


def waits_for_a_whole_roll_out(config: Object) -> list[str]:
    """The deadline leaves time for every pod, one after another."""
    problems = []
    for each in of_kind(deployed(config), "Deployment"):
        spec = each["spec"]
        probe = spec["template"]["spec"]["containers"][0]["readinessProbe"]
        one = probe["initialDelaySeconds"] + probe["periodSeconds"] + spec["minReadySeconds"]
        needed = spec["replicas"] * one
        deadline = config["deploy"]["statusCheckDeadlineSeconds"]
        if needed > deadline:
            problems.append(f"{each['metadata']['name']} takes {needed} s, the deadline {deadline}")
    return problems


def verifies_what_it_deploys(config: Object) -> list[str]:
    """The prober asks a Service that is there, and ends before the time is up."""
    problems = []
    home = next(of_kind(deployed(config), "Namespace"))["metadata"]["name"]
    for test in config["verify"]:
        given = dict(re.findall(r"--(\w+)=(\S+)", " ".join(test["container"]["args"])))
        url = urlsplit(given["url"])
        name, _, namespace = str(url.hostname).partition(".")
        ports = [p["port"] for p in find(deployed(config), "Service", name)["spec"]["ports"]]
        if namespace != home:
            problems.append(f"it asks in {namespace}, and deploys to {home}")
        if (url.port or 80) not in ports:
            problems.append(f"it asks at port {url.port or 80}, and {name} has {ports}")
        if float(given["seconds"]) >= test["timeout"]:
            problems.append(f"it probes for {given['seconds']} s of {test['timeout']}")
        if test["container"]["image"] not in artifacts(config):
            problems.append(f"{test['container']['image']} is not built")
        if "--strict" not in test["container"]["args"]:
            problems.append("it lets failed requests pass")
    return problems


def copies_every_module(config: Object) -> list[str]:
    """In the dev loop each file of the service reaches the place where it is run from."""
    rules = artifacts(config)["messenger-v1"].get("sync", {}).get("manual", ())
    if not rules:
        return []
    copied = {path for rule in rules for path in ROOT.glob(rule["src"])}
    missing = sorted(set((ROOT / "messenger").rglob("*.py")) - copied)
    dockerfile = (ROOT / "messenger/Dockerfile").read_text(encoding="utf-8")
    workdir = re.findall(r"^WORKDIR (\S+)", dockerfile, re.MULTILINE)
    return [
        *(f"{path.relative_to(ROOT)} is not copied" for path in missing),
        *(f"it copies to {r['dest']}, not {workdir[0]}" for r in rules if r["dest"] != workdir[0]),
    ]
