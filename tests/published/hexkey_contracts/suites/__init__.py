from pathlib import Path

__path__ = [str(Path(__file__).parents[3] / "contracts")]
