"""What the experiments measured, printed when all of them have run."""

FIGURES: list[tuple[str, str]] = []
"""Name and value of each figure; appended to from several threads, which is atomic."""


def note(name: str, value: object) -> None:
    """Note a figure for the summary."""
    FIGURES.append((name, f"{value:.3g}" if isinstance(value, float) else str(value)))
