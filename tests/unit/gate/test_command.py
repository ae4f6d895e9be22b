"""The command line: what it takes, and how it ends."""

import pytest

from istio.gate.__main__ import REFUSED, UNREACHED, main


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([], id="nothing"),
        pytest.param(["run", "--steps=10,60"], id="a step that cannot be judged"),
        pytest.param(["run", "--steps=25,10"], id="steps that fall"),
        pytest.param(["step", "--callers=prober"], id="a caller without a namespace"),
    ],
)
def test_a_wrong_command_ends_with_status_2(arguments: list[str]) -> None:
    """As everywhere."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2


def test_the_statuses_differ() -> None:
    """A script can tell them apart."""
    assert len({0, 1, 2, REFUSED, UNREACHED}) == 5
