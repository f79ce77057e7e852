import numpy as np
import paddle
import pytest
import yaml
from conftest import spec_of

from ppgan_lite.config.build import build_dataset, build_method
from ppgan_lite.config.load import check_config, load_config
from ppgan_lite.device import seed_paddle, set_device
from ppgan_lite.errors import ConfigError, DataError
from ppgan_lite.methods.gan import GAN
from ppgan_lite.networks.dcgan28 import Discriminator, Generator


def draw(*key):
    seed_paddle(*key)
    return paddle.randn([4]).numpy()


def test_every_part_of_the_key_counts():
    np.testing.assert_array_equal(draw(1, 2), draw(1, 2))
    keys = [(1, 2), (2, 1), (1, 3), (0, 2), (0, 0), (0, 0, 1), (0, 0, 2), (2**32 - 1, 10**6)]
    assert len({draw(*key).tobytes() for key in keys}) == len(keys)


def test_names_become_objects(small_config):
    dataset = build_dataset(small_config)
    assert len(dataset) == 44
    method = build_method(small_config, dataset.spec)
    assert isinstance(method, GAN)
    assert isinstance(method.networks["g"], Generator)
    assert isinstance(method.networks["d"], Discriminator)
    assert list(method.optimizers) == ["g", "d_real", "d_fake"]


def test_each_optimizer_has_its_own_options_and_network(small_tree):
    small_tree["optim"]["d_fake"]["lr"] = 0.5
    method = build_method(check_config(small_tree), spec_of((1, 28, 28), 10))
    rates = {name: optimizer._paddle.get_lr() for name, optimizer in method.optimizers.items()}
    assert rates == {"g": 1e-3, "d_real": 1e-3, "d_fake": 0.5}
    for name, network in {"g": "g", "d_real": "d", "d_fake": "d"}.items():
        parameters = {key.split("/")[0] for key in method.optimizers[name].state_dict()}
        assert parameters == {key for key, p in method.networks[network].named_parameters() if not p.stop_gradient}


def test_the_seed_fixes_the_weights(small_tree):
    def weights(seed):
        small_tree["train"]["seed"] = seed
        return build_method(check_config(small_tree), spec_of((1, 28, 28), 10)).networks["d"].linear1.weight.numpy()

    np.testing.assert_array_equal(weights(0), weights(0))
    assert (weights(0) != weights(1)).any()


def test_an_average_begins_as_g_and_changes_no_other_weights(small_tree):
    def build(ema):
        small_tree["train"]["ema"] = ema
        method = build_method(check_config(small_tree), spec_of((1, 28, 28), 10))
        weights = {
            name: {key: tensor.numpy() for key, tensor in network.state_dict().items()}
            for name, network in method.networks.items()
        }
        return method, weights

    (plain, without), (averaged, weights) = build(None), build(0.999)
    assert list(without) == ["g", "d"]
    assert list(weights) == ["g", "d"]
    assert list(averaged.averages) == ["g"]
    weights["average"] = {key: tensor.numpy() for key, tensor in averaged.averages["g"].state_dict().items()}
    for name, of in (("g", without["g"]), ("d", without["d"]), ("average", weights["g"])):
        assert weights[name].keys() == of.keys()
        for key, values in of.items():
            np.testing.assert_array_equal(weights[name][key], values, err_msg=f"{name} {key}")
    assert averaged.optimizers.keys() == plain.optimizers.keys()
    assert averaged.averages["g"] is not averaged.networks["g"]
    assert averaged.deployed() == {"g": averaged.averages["g"], "d": averaged.networks["d"]}
    assert plain.deployed() == plain.networks


@pytest.mark.parametrize("options", ["name: folder, size: 28, channels: 1", "name: mnist"])
def test_escapes_in_a_folders_name_are_explained(options, tmp_path, small_tree):
    del small_tree["data"]
    data = f'data: {{{options}, batch_size: 4, root: "D:\\new\\table"}}'
    (tmp_path / "own.yml").write_text(yaml.safe_dump(small_tree) + data)
    with pytest.raises(DataError, match="; in double quotes a backslash is an escape: use single quotes, or /"):
        build_dataset(load_config(tmp_path / "own.yml"))


def test_networks_and_data_must_fit(small_config):
    with pytest.raises(ConfigError, match="generator.name: dcgan28 takes images of 28x28"):
        build_method(small_config, spec_of((3, 32, 32), 10))


def test_device_auto_is_what_is_there():
    has_gpu = paddle.is_compiled_with_cuda() and paddle.device.cuda.device_count() > 0
    assert set_device("auto") == ("gpu" if has_gpu else "cpu")
    assert set_device("cpu") == "cpu"
    assert paddle.get_device() == "cpu"
