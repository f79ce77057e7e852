"""Networks of every kind are exported to static graphs that compute the same, with and without oneDNN.

A graph depends on the network and not on the loss, so methods that share their networks are tested once.
"""

import pytest
from small_configs import CONFIGS, SWEPT, spec_for, with_new_graphs

from ppgan_lite.commands.export import export
from ppgan_lite.config.build import build_method
from ppgan_lite.files import unseal

pytestmark = pytest.mark.sweep
DISTINCT = with_new_graphs(SWEPT)


@pytest.mark.parametrize("config", [CONFIGS[name] for name in DISTINCT], ids=DISTINCT)
def test_every_network_is_exported_and_computes_the_same(config, uninterrupted, tmp_path):
    """The export checks itself: see commands/test_export.py."""
    export(uninterrupted(config), tmp_path / "exported", step=None, formats=["paddle"], overwrite=False)
    signature = unseal((tmp_path / "exported" / "signature.json").read_bytes())
    assert signature["networks"].keys() == build_method(config, spec_for(config)).deployed().keys()
    for name, network in signature["networks"].items():
        engines = {"paddle", "paddle-onednn"}
        if (config.method.name, name) == ("began", "d"):  # many layers: oneDNN's rounding errors may be too large
            engines &= network["checked"]["engines"].keys()
        assert network["checked"]["engines"].keys() == engines
