"""These files are not ours to copy. Where they are not beside the checkout there is nothing here to run."""

from tests.support.catalogues import EVALUATION_DATA

collect_ignore_glob = [] if EVALUATION_DATA.is_dir() else ["test_*.py"]
