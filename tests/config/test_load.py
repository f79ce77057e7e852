import contextlib
import dataclasses
import re
import subprocess
import sys

import pytest
import yaml
from conftest import ROOT, SMALL
from hypothesis import given
from hypothesis import strategies as st

from ppgan_lite.config import optim
from ppgan_lite.config.load import check_config, differences, load_config, to_yaml, without_effect
from ppgan_lite.data import options as data_options
from ppgan_lite.errors import ConfigError, UserError
from ppgan_lite.methods import options as method_options

TUTORIAL = ROOT / "configs" / "dcgan_mnist.yml"


def refusal(*overrides, path=TUTORIAL):
    with pytest.raises(ConfigError) as caught:
        load_config(path, list(overrides))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_tutorials_config_reads_as_written():
    config = load_config(TUTORIAL)
    assert config.method == method_options.GAN(name="gan", z_dim=100, d_optimizers="separate")
    assert config.optim["d_fake"] == optim.Adam(name="adam", lr=2e-4, betas=(0.9, 0.999))
    assert (config.train.epochs, config.train.steps, config.data.batch_size) == (20, None, 128)


def test_configs_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        load_config(TUTORIAL).train.seed = 1


def test_resolved_config_reads_back_equal(tmp_path, small_config):
    path = tmp_path / "config.yml"
    path.write_text(to_yaml(small_config))
    assert load_config(path) == small_config


def test_defaults_are_written_out(small_tree):
    del small_tree["train"]["log_every"]
    assert yaml.safe_load(to_yaml(check_config(small_tree)))["train"]["log_every"] == 10


def test_overrides_apply_in_order_and_parse_as_yaml():
    config = load_config(TUTORIAL, ["train.epochs=3", "train.epochs=1", "optim.g.lr=1e-4", "optim.g.betas=[0.5, 0.9]"])
    assert config.train.epochs == 1
    assert config.optim["g"] == optim.Adam(name="adam", lr=1e-4, betas=(0.5, 0.9))


def test_override_of_a_whole_section():
    config = load_config(TUTORIAL, ["data={name: rendered_digits, batch_size: 8, num_images: 100}"])
    assert config.data == data_options.RenderedDigits(name="rendered_digits", batch_size=8, num_images=100)


def test_an_override_stays_in_its_section_where_yaml_shares_one(tmp_path, small_tree):
    adam = small_tree["optim"]["g"]
    small_tree["optim"] = {"g": adam, "d_real": adam, "d_fake": adam}  # yaml writes an anchor and two aliases
    (tmp_path / "shared.yml").write_text(yaml.safe_dump(small_tree))
    config = load_config(tmp_path / "shared.yml", ["optim.g.lr=0.5"])
    assert [config.optim[name].lr for name in ("g", "d_real", "d_fake")] == [0.5, 1e-3, 1e-3]


def test_float_without_a_dot_is_a_number():
    assert load_config(TUTORIAL, ["optim.g.lr=2e-4"]).optim["g"].lr == 2e-4


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("method.z_dmi=3", "method.z_dmi: unknown key; allowed: .*, z_dim; did you mean z_dim?"),
        ("trian.epochs=3", "trian: unknown key; .* did you mean train?"),
        ("optim.d={name: adam, lr: 1}", "optim.d: unknown key; allowed: d_fake, d_real, g"),
        ("method.d_optimizers=joint", "optim.d_real: unknown key; allowed: d, g"),
        (
            "generator.upsample=bilinaer",
            "unknown value 'bilinaer'; allowed: bilinear, transposed; did you mean bilinear?",
        ),
        ("method.name=gna", "method.name: unknown value 'gna'; allowed: acgan, .*, wgan_gp; did you mean gan?"),
        ("method.name=[1]", "method.name: unknown value"),
        ("train.keep=0", "train.keep: must be at least 1 and at most 1000000000, got 0"),
        ("optim.g.lr=0", "optim.g.lr: must be above 0, got 0"),
        ("optim.g.lr=.nan", "optim.g.lr: expected a number, got '.nan'"),
        ("optim.g.lr=fast", "optim.g.lr: expected a number, got 'fast'"),
        ("optim.g.betas=[0.5, 1]", r"optim.g.betas\[1\]: must be at least 0 and below 1, got 1"),
        ("optim.g.betas=0.5", "optim.g.betas: expected a list of 2 values, got 0.5"),
        ("train.epochs=1.5", "train.epochs: expected a whole number, got 1.5"),
        ("train.epochs=true", "train.epochs: expected a whole number, got true"),
        ("method.reuse_fakes=1", "method.reuse_fakes: expected true or false, got 1"),
        ("train.epochs=null", "train.epochs: missing; give train.epochs or train.steps"),
        ("train.seed=null", "train.seed: expected a whole number, got nothing"),
        ("data=mnist", "data: expected a section with keys, got 'mnist'"),
        ("optim=null", "optim: expected a section with keys, got nothing"),
        ("optim.g={name: adam}", "optim.g.lr: missing"),
        ("data={batch_size: 3}", "data.name: missing"),
        ("data={name: mnist}", "data.batch_size: missing; this key must be given"),
        ("train={steps: 3}", "train.seed: missing; this key must be given"),
        ("train.epochs", "-o train.epochs: expected KEY=VALUE"),
        ("train.epochs.x=1", "-o train.epochs.x=1: train.epochs is a value, not a section"),
        ("train.seed=2024-13-45", "train.seed: expected a whole number, got '2024-13-45'"),
        ("train.seed=!!int foo", "not valid YAML"),
        ("optim.g.lr=1" + 400 * "0", "optim.g.lr: expected a number"),
        ("generator.ngf=99999999999999999999", "generator.ngf: must be at least 1 and at most 4096"),
        ("train.epochs=[1", "-o train.epochs=\\[1:1:3: not valid YAML"),
    ],
)
def test_bad_keys_and_values_are_named(override, message):
    assert re.search(message, refusal(override))


@pytest.mark.parametrize(
    ("config", "override", "message"),
    [
        ("wgan_mnist", "method.clip=0", "method.clip: must be above 0, got 0"),
        ("wgan_mnist", "method.d_updates=0", "method.d_updates: must be at least 1 and at most 1000, got 0"),
        ("wgan_mnist", "method.warm_up=100", "method.warm_up: expected true or false, got 100"),
        ("wgan_gp_mnist", "method.gp_weight=-1", "method.gp_weight: must be at least 0, got -1"),
        ("wgan_gp_mnist", "discriminator.norm=layer", "discriminator.norm: unknown value 'layer'; allowed: batch, "),
        ("dragan_mnist", "method.noise=0", "method.noise: must be above 0, got 0"),
        ("acgan_mnist", "method.class_weight=-0.5", "method.class_weight: must be at least 0, got -0.5"),
        ("infogan_mnist", "method.categories=1", "method.categories: must be at least 2 and at most 1000, got 1"),
        ("infogan_mnist", "method.codes=0", "method.codes: must be at least 1 and at most 100, got 0"),
        ("infogan_mnist", "method.info_weight=-1", "method.info_weight: must be at least 0, got -1"),
        ("began_mnist", "method.gamma=0", "method.gamma: must be above 0 and at most 1, got 0"),
        ("began_mnist", "method.gamma=1.1", "method.gamma: must be above 0 and at most 1, got 1.1"),
        ("began_mnist", "method.k_rate=0", "method.k_rate: must be above 0, got 0"),
        ("began_mnist", "generator=null", "generator: expected a section with keys, got nothing"),
        ("vae_mnist", "method.noise_std=0", "method.noise_std: must be above 0, got 0"),
        ("vae_mnist", "method.likelihood=normal", "method.likelihood: unknown value 'normal'; allowed: bernoulli, "),
        ("vae_mnist", "discriminator={name: infogan}", "discriminator: unknown key; allowed: data, encoder, generator"),
        ("gan_toy1d", "data.dims=3", "data.dims: unknown value 3; allowed: 1, 2"),
        ("gan_toy1d", "data.modes=101", "data.modes: must be at least 1 and at most 100, got 101"),
        ("gan_toy1d", "data.std=0", "data.std: must be above 0 and at most 0.2, got 0"),
        ("gan_toy1d", "data.std=0.3", "data.std: must be above 0 and at most 0.2, got 0.3"),
        ("gan_keras_mnist", "generator.norm_epsilon=0", "generator.norm_epsilon: must be above 0, got 0"),
        (
            "gan_keras_mnist",
            "generator.widths=[8, 0]",
            "generator.widths[1]: must be at least 1 and at most 4096, got 0",
        ),
        ("gan_keras_mnist", "generator.widths=8", "generator.widths: expected a list, for example [], got 8"),
        (
            "gan_keras_mnist",
            "method.real_target=0.4",
            "method.real_target: must be at least 0.5 and at most 1, got 0.4",
        ),
        ("gan_keras_mnist", "method.g_updates=0", "method.g_updates: must be at least 1 and at most 1000, got 0"),
        ("gan_keras_mnist", "optim.g={name: rmsprop, lr: 1, betas: [0, 0]}", "optim.g.betas: unknown key; allowed: "),
        ("gan_keras_mnist", "train.ema=1", "train.ema: must be at least 0 and below 1, got 1"),
        ("gan_keras_mnist", "train.ema=-0.1", "train.ema: must be at least 0 and below 1, got -0.1"),
        (
            "classifier_cnn_mnist",
            "train.ema=0.999",
            "train.ema: classifier has no generator to average; set it to null",
        ),
    ],
)
def test_bad_values_of_each_methods_keys_are_named(config, override, message):
    assert refusal(override, path=ROOT / "configs" / f"{config}.yml").startswith(message)


@pytest.mark.parametrize(
    ("config", "override"),
    [
        ("began_mnist", "method.gamma=1"),
        ("gan_toy1d", "data.std=0.2"),
        ("gan_keras_mnist", "generator.widths=[]"),
        ("gan_keras_mnist", "method.real_target=0.5"),
        ("wgan_gp_mnist", "method.gp_weight=0"),
        ("cgan_mnist", "train.ema=0"),
        ("began_mnist", "train.ema=0.9999"),
    ],
)
def test_ends_that_a_range_includes_are_taken(config, override):
    section, key = override.partition("=")[0].split(".")
    tree = load_config(ROOT / "configs" / f"{config}.yml", [override]).to_dict()
    assert tree[section][key] == yaml.safe_load(override.partition("=")[2])


@pytest.mark.parametrize("method", ["wgan_gp", "dragan"])
def test_a_gradient_penalty_needs_a_discriminator_with_double_gradients(method):
    path = ROOT / "configs" / f"{method}_mnist.yml"
    assert refusal("discriminator={name: dcgan28}", path=path) == (
        f"discriminator.name: {method} needs a network with double gradients, but dcgan28 has none; "
        "allowed: dcgan64, fully_connected, infogan, r3gan, resnet32"
    )
    for options in ("name: fully_connected", "name: infogan, norm: none", "name: infogan, norm: spectral"):
        load_config(path, [f"discriminator={{{options}}}"])


@pytest.mark.parametrize("method", ["wgan_gp", "dragan"])
def test_a_gradient_penalty_refuses_batch_norms_which_mix_the_pictures_of_a_batch(method):
    path = ROOT / "configs" / f"{method}_mnist.yml"
    needs = f"{method} needs a network without batch norms"
    assert refusal("discriminator.norm=batch", path=path) == (
        f"discriminator.norm: {needs}; allowed: spectral, none, got 'batch'"
    )
    assert refusal("discriminator={name: dcgan64}", path=path) == (
        f"discriminator.norm: {needs}; allowed: spectral, none, got 'batch'"
    )


@pytest.mark.parametrize("section", SMALL)
def test_a_missing_section_is_named(section, small_tree):
    del small_tree[section]
    with pytest.raises(ConfigError, match=f"^{section}: missing"):
        check_config(small_tree)


def test_files_that_are_no_config(tmp_path):
    assert "none.yml: cannot read the config file: No such file" in refusal(path=tmp_path / "none.yml")
    assert "Is a directory" in refusal(path=tmp_path)
    for content, message in [
        (b"method: {name: gan", "bad.yml:1:19: not valid YAML"),
        (b"- 1", "expected sections (method, optim"),
        (b"", "got nothing"),
        (b"\xff\xfe\x00x", "bad.yml"),
        (b"train: {epochs: 1}\ntrain: {epochs: 2}", "bad.yml:2:1: not valid YAML: key 'train' appears twice"),
        (
            b"!!python/object/apply:os.system [ls]",
            "bad.yml:1:1: not valid YAML: remove the tag !!python/object/apply:os.system",
        ),
    ]:
        path = tmp_path / "bad.yml"
        path.write_bytes(content)
        assert message in refusal(path=path)


def test_differences_name_what_changes_a_step(small_tree):
    ours = check_config(small_tree).to_dict()
    small_tree["train"] |= {"steps": 99, "keep": 1, "log_every": 7}
    assert differences(check_config(small_tree).to_dict(), ours) == []
    small_tree["optim"]["g"]["lr"] = 0.5
    assert differences(check_config(small_tree).to_dict(), ours) == ["optim.g.lr: 0.5, not 0.001"]


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda x: st.dictionaries(st.text() | st.integers(), x) | st.lists(x),
)
KEYS = [
    (),
    *[(section, key) for section, keys in SMALL.items() for key in keys],
    ("optim", "g", "lr"),
    ("optim", "g", "betas"),
]


@given(st.sampled_from(KEYS), anything)
def test_any_value_at_any_key_is_taken_or_refused_in_words(keys, value):
    tree = yaml.safe_load(yaml.safe_dump(SMALL))
    place = tree
    for key in keys[:-1]:
        place = place[key]
    if keys:
        place[keys[-1]] = value
    with contextlib.suppress(UserError):
        check_config(tree if keys else value)


def test_the_length_counts_where_a_rate_decays_over_it(small_tree):
    ours = check_config(small_tree).to_dict()
    small_tree["train"]["steps"] = 99
    assert differences(check_config(small_tree).to_dict(), ours) == []
    small_tree["optim"]["g"]["decay"] = ours["optim"]["g"]["decay"] = "linear"
    assert differences(check_config(small_tree).to_dict(), ours) == ["train.steps: 99, not 12"]


@pytest.mark.parametrize(
    ("config", "overrides", "message"),
    [
        ("dcgan_mnist", ["method.name=wgan"], "gan; start from a config of wgan, such as -c wgan_mnist"),
        ("dcgan_cifar10", ["method.name=wgan_gp"], "gan; start from a config of wgan_gp, such as -c wgan_gp_cifar10"),
        ("lsgan_mnist", ["method.name=gan"], "lsgan; start from a config of gan, such as -c dcgan_mnist"),
        # Its networks and optimizers fit, but it has no keys for the codes.
        ("infogan_mnist", ["method.name=wgan"], "infogan; start from a config of wgan, such as -c wgan_mnist"),
        (
            "began_mnist",
            ["method.name=lsgan", "train.x=1"],
            "began; start from a config of lsgan, such as -c lsgan_mnist",
        ),
    ],
)
def test_another_method_needs_another_config(config, overrides, message):
    path = ROOT / "configs" / f"{config}.yml"
    assert refusal(*overrides, path=path) == f"-o {overrides[0]}: the config is for {message}"


@pytest.mark.parametrize(
    ("config", "override", "instead"),
    [
        ("dcgan_digits", "optim.g.name=sgd", "optim.g={name: sgd, lr: 0.001}"),
        ("dcgan_mnist", "data.name=fake", "data={name: fake, batch_size: 128}"),
        ("hinge_mnist", "discriminator.name=dcgan28", "discriminator={name: dcgan28}"),
    ],
)
def test_another_name_in_a_section_needs_the_whole_section(config, override, instead):
    section, _, name = override.partition(".name=")
    assert refusal(override, path=ROOT / "configs" / f"{config}.yml") == (
        f"-o {override}: {name} does not have all keys of this config's {section}; replace the whole section: "
        f'-o "{instead}"'
    )


@pytest.mark.parametrize(
    ("config", "overrides"),
    [
        ("lsgan_mnist", ["method.name=hinge"]),
        ("lsgan_mnist", ["method.name=wgan_gp", "discriminator.norm=none"]),
        ("lsgan_mnist", ["method.name=gan", "method.d_optimizers=joint"]),
        ("dcgan_mnist", ["data.name=kmnist"]),
        ("dcgan_cifar10_cpu", ["data.name=cifar10_jpeg", "data={name: cifar10_jpeg, batch_size: 8}"]),
        ("dcgan_mnist", ["generator.name=fully_connected"]),
        ("dcgan_mnist", ["optim.g.name=sgd"]),
    ],
)
def test_a_new_name_is_taken_where_the_other_keys_fit(config, overrides):
    config = load_config(ROOT / "configs" / f"{config}.yml", overrides)
    assert overrides[0].partition("=")[2] in yaml.safe_dump(config.to_dict())


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("method.name=wgna", "method.name: unknown value 'wgna'"),
        ("generator.name=resnet32", "generator.name: resnet32 takes images of 32x32, 64x64 or 128x128 pixels"),
        ("encoder.name=dcgan28", "encoder: unknown key"),
        ("optim.x.name=sgd", "optim.x: unknown key"),
        ("name=wgan", "name: unknown key"),
    ],
)
def test_a_new_name_that_is_wrong_in_another_way_is_reported_as_such(override, message):
    assert refusal(override).startswith(message)


def test_each_method_has_its_own_sections(small_tree):
    small_tree["method"] = {"name": "classifier"}
    with pytest.raises(ConfigError, match="discriminator: unknown key; allowed: classifier, data, "):
        check_config(small_tree)
    del small_tree["generator"], small_tree["discriminator"]
    with pytest.raises(ConfigError, match="classifier: missing"):
        check_config(small_tree)


def test_a_list_may_have_any_length_but_not_any_values(small_tree):
    for value in ([], ["collapse"], ["collapse", "convergence_failure"]):
        small_tree["train"]["stop_on"] = value
        assert check_config(small_tree).train.stop_on == tuple(value)
    small_tree["train"]["stop_on"] = ["collapse", "colapse"]
    with pytest.raises(ConfigError, match=r"train.stop_on\[1\]: unknown value 'colapse'; .* did you mean collapse"):
        check_config(small_tree)


TEXTS = [
    *["2024-01-01", "123", "1_000", "1e5", "0x10", "010", "12:30:00", "on", "yes", "no", "~", "~/pictures", "=", ".5"],
    *["C:\\Users\\new", "C:\\Users\\a: b", "#1", "a # b", "[a]", "{a: b}", "@x", "*a", "&a", "!x", "%USERPROFILE%"],
    *[" x ", "it's", "'a' or 'b'", "`x`", "中文: 目录", "😀", "a\nb", "-", "? x", "|", "a=b", "\udcff"],
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_on_the_command_line_is_taken_as_it_stands(text):
    path = ROOT / "configs" / "dcgan_folder.yml"
    assert load_config(path, [f"data.root={text}"]).data.root == text
    assert load_config(path, values={"data.root": text}).data.root == text


@pytest.mark.parametrize(
    ("text", "root"),
    [("'it''s'", "it's"), ('"a b"', "a b"), ("null", None), ("'null'", "null"), ("", None), ("''", "")],
)
def test_quotes_around_a_text_are_removed_and_null_is_none(text, root):
    assert load_config(ROOT / "configs" / "dcgan_folder.yml", [f"data.root={text}"]).data.root == root


@pytest.mark.parametrize(
    ("written", "root"),
    [
        *[(text, text) for text in ("2024-01-01", "123", "1_000", "yes", "on", "010", "12:30:00", "1.0", "~", "=")],
        ("null", None),
        ("", None),
        ("'null'", "null"),
        ("'D:\\new'", "D:\\new"),
        ("D:\\new", "D:\\new"),
        ('"D:\\\\new"', "D:\\new"),
        ("&x abc", "abc"),
    ],
)
def test_a_text_in_a_file_is_what_is_written_there(tmp_path, written, root):
    text = (ROOT / "configs" / "dcgan_folder.yml").read_text().replace("  # root: FOLDER  ", f"  root: {written}")
    (tmp_path / "own.yml").write_text(text)
    assert load_config(tmp_path / "own.yml").data.root == root


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("optim.g.lr=2e-4", 2e-4),
        ("optim.g.lr=1E-4", 1e-4),
        ("optim.g.lr=1", 1.0),
        ("train.steps=1_000", 1000),
        ("train.steps=0x10", 16),
        ("train.steps=010", 10),  # YAML 1.1 reads 8
        ("train.evaluate_every=~", None),
        ("data.flip=yes", True),
        ("data.flip=True", True),
        ("data.flip=off", False),
    ],
)
def test_a_value_is_read_by_the_type_of_its_option(override, value):
    config = load_config(ROOT / "configs" / "dcgan_folder.yml", [override]).to_dict()
    for key in override.partition("=")[0].split("."):
        config = config[key]
    assert (config, type(config)) == (value, type(value))


@pytest.mark.parametrize(
    ("config", "override", "message"),
    [
        ("dcgan_folder", "data.channels=3.0", "data.channels: unknown value 3.0; allowed: 1, 3"),
        ("dcgan_folder", "data.channels=true", "data.channels: unknown value true; allowed: 1, 3"),
        ("dcgan_folder", "data.size=64.0", "data.size: expected a whole number, got 64.0"),
        (
            "dcgan_folder",
            "data.batch_size=1000000000",
            "data.batch_size: must be at least 1 and at most 100000, got 1000",
        ),
        ("dcgan_folder", "data.flip=1", "data.flip: expected true or false, got 1"),
        ("gan_toy1d", "data.dims=1.0", "data.dims: unknown value 1.0; allowed: 1, 2"),
        ("gan_toy1d", "data.dims=true", "data.dims: unknown value true; allowed: 1, 2"),
        (
            "dcgan_mnist",
            f"train.epochs={10**22}",
            f"train.epochs: must be at least 1 and at most 1000000000, got {10**22}",
        ),
        (
            "dcgan_mnist",
            f"train.seed={'9' * 5000}",
            "train.seed: expected a whole number of at most 100 characters, got",
        ),
        ("dcgan_mnist", f"train.seed=0x{'f' * 5000}", "train.seed: expected a whole number of at most 100 characters"),
        ("dcgan_mnist", "train.seed=-1", "train.seed: must be at least 0 and at most 4294967295, got -1"),
        ("dcgan_mnist", "train.steps=1e3", "train.steps: expected a whole number, got 1e3"),
        ("dcgan_mnist", "train.steps=1,000", "train.steps: expected a whole number, got '1,000'"),
        ("dcgan_mnist", "optim.g.lr=1e-400", "optim.g.lr: must be above 0, got 0.0"),
        ("dcgan_mnist", "optim.g.lr=.inf", "optim.g.lr: expected a number, got '.inf'"),
        ("dcgan_mnist", 'train.seed=!!int ""', '-o train.seed=!!int "":1:1: not valid YAML: remove the tag !!int'),
        ("dcgan_mnist", "train=!!map [a]", "-o train=!!map [a]:1:1: not valid YAML: remove the tag !!map"),
        ("dcgan_mnist", "method.name=GAN", "method.name: unknown value 'GAN'; allowed: acgan, "),
        ("dcgan_mnist", 'data.root="D:\\data"', '-o data.root="D:\\data":1:5: not valid YAML: found unknown escape'),
        (
            "dcgan_mnist",
            'data.root="a\\0"',
            "data.root: 'a\\x00' has a character that file names cannot have; in double",
        ),
        ("dcgan_mnist", "train.a\nb=1", "train.'a\\nb': unknown key; allowed: ema, "),
        ("gan_keras_mnist", f"generator.widths={[8] * 33}", "generator.widths: must be at most 32 values, got [8, 8, "),
        ("dcgan_mnist", f"{'x' * 5000}=1", "'xxx"),
        ("dcgan_mnist", f"train={'[' * 5000}", "-o train=[[[["),
    ],
)
def test_values_are_checked_strictly_and_shown_in_short(config, override, message):
    said = refusal(override, path=ROOT / "configs" / f"{config}.yml")
    assert said.startswith(message)
    assert len(said) < 300


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"train.seed": 10**6000},
            "train.seed: must be at least 0 and at most 4294967295, got a number of too many digits",
        ),
        ({"train.seed": True}, "train.seed: expected a whole number, got True"),
        ({"data.root": 3}, "data.root: expected text, got 3"),
        ({"data.root": b"x"}, "data.root: expected text, got b'x'"),
        ({"optim.g.lr": 10**400}, "optim.g.lr: expected a number, got 1000"),
        ({"train": {1: 2}}, "train.1: unknown key"),
        ({"train": {None: 2}}, "train.null: unknown key"),
        ({"train": {"a b": 2}}, "train.'a b': unknown key"),
        ({"method.name": "wgan"}, "method.name='wgan': the config is for gan; start from a config of wgan"),
    ],
)
def test_values_of_python_are_checked_as_well(values, message):
    with pytest.raises(ConfigError) as caught:
        load_config(TUTORIAL, values=values)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("overrides", "length"),
    [
        (["train.epochs=1"], (1, None)),
        (["train.epochs=null"], (None, 5000)),
        (["train.epochs=~"], (None, 5000)),
        (["train.steps=7"], (None, 7)),
        (["train.epochs=1", "train.steps=7"], (1, 7)),
        (["train.epochs=1", "train.steps=null"], (1, None)),
        (["train={epochs: 1, seed: 0}"], (1, None)),
    ],
)
def test_a_new_length_replaces_the_configs(overrides, length):
    config = load_config(ROOT / "configs" / "dcgan_folder.yml", overrides)
    assert (config.train.epochs, config.train.steps) == length
    steps = load_config(TUTORIAL, ["train.steps=7"]).train
    assert (steps.epochs, steps.steps) == (None, 7)


def test_epochs_make_no_difference_next_to_steps(small_tree):
    small_tree["optim"]["g"]["decay"] = "linear"
    ours = check_config(small_tree).to_dict()
    small_tree["train"]["epochs"] = 3
    assert differences(check_config(small_tree).to_dict(), ours) == []


@pytest.mark.parametrize(
    ("config", "overrides", "messages"),
    [
        ("dcgan_mnist", ["train.steps=7"], []),
        ("dcgan_mnist", ["train.steps=7", "train.epochs=2"], ["train.epochs has no effect: train.steps is given"]),
        ("dcgan_mnist", ["train.stop_on=[collapse, convergence_failure]"], []),
        (
            "wgan_mnist",
            ["train.stop_on=[collapse, convergence_failure]"],
            ["train.stop_on: convergence_failure has no effect: a run of wgan does not log what shows it"],
        ),
        (
            "classifier_cnn_mnist",
            ["train.stop_on=[collapse]"],
            ["train.stop_on: collapse has no effect: a run of classifier does not log what shows it"],
        ),
        ("cyclegan_outlines_cpu", ["train.stop_on=[collapse, copies_input, cycle_stuck, inverted]"], []),
        (
            "stargan_digits_cpu",
            ["train.stop_on=[copies_input, inverted]"],
            ["train.stop_on: inverted has no effect: a run of stargan does not log what shows it"],
        ),
        ("vae_mnist", ["method.noise_std=0.3"], ["method.noise_std has no effect: method.likelihood is bernoulli"]),
        ("vae_mnist", ["method.noise_std=0.3", "method.likelihood=gaussian"], []),
        (
            "gan_keras_mnist",
            ["generator.norm=none", "generator.norm_epsilon=0.5"],
            ["generator.norm_epsilon has no effect: generator.norm is none"],
        ),
    ],
)
def test_keys_that_change_nothing_are_named(config, overrides, messages):
    assert without_effect(load_config(ROOT / "configs" / f"{config}.yml", overrides)) == messages


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yml")), ids=lambda path: path.stem)
def test_each_key_of_our_configs_has_an_effect(path):
    assert without_effect(load_config(path)) == []


@pytest.mark.parametrize(
    ("config", "override", "message"),
    [
        (
            "dcgan_mnist",
            "data={name: folder, batch_size: 4}",
            "has 64x64; for 64x64: biggan, dcgan64, fully_connected, r3gan, resnet32",
        ),
        ("dcgan_folder", "data.size=28", "has 28x28; for 28x28: began, dcgan28, fully_connected"),
        (
            "classifier_cnn_mnist",
            "data={name: fake, batch_size: 4, size: 3}",
            "has 3x3; for 3x3: fnn, photo_evaluator, resnet, softmax",
        ),
    ],
)
def test_networks_that_take_the_images_are_named(config, override, message):
    assert refusal(override, path=ROOT / "configs" / f"{config}.yml").endswith(message)


def test_a_config_is_checked_without_paddle_and_opencv():
    """So an error is reported at once."""
    code = (
        "import sys, ppgan_lite.config.load as load, ppgan_lite.config.find, ppgan_lite.commands.options\n"
        f"load.load_config({str(TUTORIAL)!r})\n"
        "print({'paddle', 'cv2', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.parametrize(
    ("config", "change", "message"),
    [
        ("pix2pix_outlines_cpu", "data.paired=false", "data.paired: false, and so derived has no pairs"),
        ("pix2pix_facades_cpu", "data={name: unpaired, batch_size: 1}", "data.name: unpaired has no pairs"),
    ],
)
def test_a_method_that_needs_pairs_refuses_data_without(config, change, message):
    with pytest.raises(ConfigError, match=f"^{message} to train on, but pix2pix needs them; cyclegan does without$"):
        load_config(ROOT / "configs" / f"{config}.yml", [change])
    load_config(ROOT / "configs" / "cyclegan_outlines_cpu.yml", ["data.paired=true"])
