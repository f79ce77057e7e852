import json
import shutil

import pytest

from ppgan_lite.errors import RunError
from ppgan_lite.runs.trained import open_trained


@pytest.mark.parametrize(
    "change",
    [
        lambda record: record["data"].update(stands_in_for="mnist"),
        lambda record: record["fields"]["image"].update(shape=[1, 32, 32]),
        lambda record: record["fields"]["image"].update(shape=[3, 60_000, 60_000]),  # no network is built for that
        lambda record: record["fields"]["image"].update(kind="point", shape=[1, 1, 1]),
        lambda record: record["fields"].update(more=record["fields"]["image"]),
        lambda record: record["fields"].pop("image"),
    ],
)
def test_a_record_that_does_not_fit_the_config_is_an_error(small_run, tmp_path, change):
    folder = shutil.copytree(small_run, tmp_path / "run")
    record = json.loads((folder / "run.json").read_text())
    change(record)
    (folder / "run.json").write_text(json.dumps(record))
    with pytest.raises(RunError, match=rf"^{folder / 'run.json'}: does not fit {folder / 'config.yml'}: .*; restore"):
        open_trained(folder, None)
