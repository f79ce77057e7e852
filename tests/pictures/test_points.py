"""Pictures of points: what they show is what the networks compute, and figure 1 of the GAN paper is seen."""

import numpy as np
import pytest
from conftest import ROOT
from PIL import Image
from visualdl import LogReader

from ppgan_lite.commands import moments
from ppgan_lite.commands import sample as sampling
from ppgan_lite.commands.moments import save_moments
from ppgan_lite.commands.sample import Request, sample
from ppgan_lite.config.build import build_dataset, build_method
from ppgan_lite.config.load import load_config
from ppgan_lite.device import seed_paddle
from ppgan_lite.engine.loop import train
from ppgan_lite.errors import CheckpointError, RunError
from ppgan_lite.methods.points import look
from ppgan_lite.pictures import points
from ppgan_lite.pictures.points import Moment, draw
from ppgan_lite.runs.trained import open_trained

TOY = ROOT / "configs" / "gan_toy1d.yml"
PLANE = "data={name: gaussians, batch_size: 8, num_images: 44, dims: 2, modes: 4, std: 0.05}"
SHORT = (
    "optim.g.lr=5e-4", "optim.d.lr=3e-3",
    "train={steps: 400, seed: 0, log_every: 100, preview_every: 200, save_every: 25, keep: 100}",
)  # fmt: skip


def make(*overrides):
    """The toy experiment's method and data, with changes."""
    config = load_config(TOY, overrides)
    dataset = build_dataset(config)
    return build_method(config, dataset.spec), dataset


def moment_of(method, dataset, step=0, batch_statistics=False, num=points.NUM_SAMPLES):
    inputs = method.samplers()["g"].draw(num)
    return look(method, dataset, inputs, method.samplers()["g"](inputs, batch_statistics).numpy(), step)


def coloured(picture, colour):
    """How many pixels have about a colour."""
    return (np.abs(picture.astype(int) - colour).max(2) < 40).sum()


BLUE, GREEN = (31, 119, 180), (44, 160, 44)  # colours of D and G


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """A short run of the toy experiment. Not to be changed."""
    folder = tmp_path_factory.mktemp("toy") / "run"
    assert train(load_config(TOY, SHORT), folder, resume=False, overwrite=False, device="cpu", dry_run=False) == 0
    return folder


def story(folder, step):
    """D's output over the data (mean +- 2 deviations), and mean and deviation of G's samples."""
    run, method, _ = open_trained(folder, step)
    dataset = build_dataset(run.config())
    moment = moment_of(method, dataset, step)
    axis = points.axis_of(dataset)
    return moment.d_output[(axis >= 0.4) & (axis <= 0.8)], moment.samples.mean(), moment.samples.std()


def test_d_separates_then_g_becomes_the_data_and_d_flattens(toy):
    """Seeds 0 to 4: D at 0.59 to 0.71 on average, then 0.493 to 0.512; G at 0.597 to 0.605 +- 0.092 to 0.106."""
    d, mean, std = story(toy, 25)
    assert d.mean() > 0.57
    assert abs(mean - 0.6) > 0.2
    d, mean, std = story(toy, 400)
    assert 0.47 < d.min() < d.max() < 0.53
    assert abs(mean - 0.6) < 0.02
    assert abs(std - 0.1) < 0.02


def test_a_preview_is_the_panel_of_its_step(toy):
    assert [path.name for path in sorted((toy / "samples").iterdir())] == ["step_00000200.png", "step_00000400.png"]
    run, method, _ = open_trained(toy, 400)
    dataset = build_dataset(run.config())
    seed_paddle(0, 0, 1)
    expected = draw(dataset, [moment_of(method, dataset, 400, batch_statistics=True)])
    with Image.open(toy / "samples" / "step_00000400.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), expected)
        assert (picture.text["Step"], picture.text["Data"]) == ("400", "gaussians")
    (file,) = (toy / "log" / "samples").iterdir()
    assert [shown.id for shown in LogReader(file_path=str(file)).get_data("image", "numbers")] == [200, 400]


def test_moments_are_the_first_the_last_and_two_between(toy, tmp_path):
    out = tmp_path / "deep" / "toy.png"
    assert save_moments(toy, out, step=None, seed=0) == [25, 75, 150, 400]
    for seed in (0, 1):
        assert save_moments(toy, tmp_path / f"{seed}.png", step=75, seed=seed) == [75]
    with Image.open(out) as four, Image.open(tmp_path / "0.png") as one, Image.open(tmp_path / "1.png") as other:
        assert four.text["Step"] == "25, 75, 150, 400"
        assert (one.text["Step"], one.text["Seed"]) == ("75", "0")
        assert four.height == one.height
        assert four.width > 3 * one.width
        assert (np.asarray(one) != np.asarray(other)).any()


@pytest.mark.parametrize(
    ("kept", "shown"),
    [([7], [7]), ([4, 8], [4, 8]), ([4, 8, 12], [4, 8, 12]), (range(50, 5001, 50), [50, 250, 1100, 5000])],
)
def test_fewer_checkpoints_make_fewer_moments(kept, shown):
    assert moments._spread(list(kept)) == shown


def test_errors_name_the_thing(toy, small_run, tmp_path):
    with pytest.raises(CheckpointError, match="no checkpoint of step 5; there are: 25, 50"):
        save_moments(toy, tmp_path / "x.png", step=5, seed=0)
    with pytest.raises(RunError, match="run: trained on rendered_digits, not on points"):
        save_moments(small_run, tmp_path / "x.png", step=None, seed=0)
    with pytest.raises(RunError, match="not the folder of a run"):
        save_moments(tmp_path, tmp_path / "x.png", step=None, seed=0)
    assert list(tmp_path.iterdir()) == []


def test_a_run_without_checkpoints_says_so(toy, tmp_path):
    (tmp_path / "run").mkdir()
    for name in ("run.json", "config.yml"):
        (tmp_path / "run" / name).write_bytes((toy / name).read_bytes())
    with pytest.raises(CheckpointError, match="checkpoints: no checkpoint yet; train until"):
        save_moments(tmp_path / "run", tmp_path / "x.png", step=None, seed=0)


def make_linear_d(method, *weights, bias=0.0):
    """Give D the logit weights . x + bias."""
    weight, own_bias = method.networks["d"].parameters()
    weight.set_value(np.array(weights, "float32")[:, None])
    own_bias.set_value(np.array([bias], "float32"))


def test_d_is_asked_along_the_axis():
    method, dataset = make("discriminator.widths=[]")
    make_linear_d(method, 3.0, bias=-1.0)
    moment = moment_of(method, dataset, num=5)
    axis = np.linspace(0 - 0.4, 0.6 + 0.4, 401)  # the data and 0, with 4 deviations on either side
    np.testing.assert_allclose(moment.d_output, 1 / (1 + np.exp(1 - 3 * axis)), rtol=1e-5)


def test_d_is_asked_all_over_the_plane_by_y_and_x():
    method, dataset = make(PLANE, "discriminator.widths=[]")
    make_linear_d(method, 3.0, -1.0)
    x = y = np.linspace(-0.8, 0.8, 101)
    moment = moment_of(method, dataset, num=5)
    np.testing.assert_allclose(moment.d_output, 1 / (1 + np.exp(y[:, None] - 3 * x)), rtol=1e-5)
    make_linear_d(method, 50.0, 0.0)  # real on the right
    picture = draw(dataset, [moment_of(method, dataset, num=5)]).astype(int)
    left, right = picture[150, 60], picture[150, picture.shape[1] // 2 + 60]
    assert left[0] > left[2] + 20  # red
    assert right[2] > right[0] + 20  # blue


@pytest.mark.parametrize("name", ["acgan", "dragan", "infogan"])
def test_the_first_of_several_outputs_is_drawn_where_it_is_a_logit(name):
    method, dataset = make(f"method={{name: {name}, z_dim: 4, d_updates: 1}}")
    assert moment_of(method, dataset).d_output.shape == (401,)


@pytest.mark.parametrize("name", ["cgan", "hinge", "wgan"])
@pytest.mark.parametrize("data", ["data.seed=0", PLANE], ids=["line", "plane"])
def test_a_d_that_gives_no_logits_for_a_point_is_left_out(name, data):
    method, dataset = make(f"method={{name: {name}, z_dim: 4}}", data)
    moment = moment_of(method, dataset)
    assert moment.d_output is None
    picture = draw(dataset, [moment])
    assert coloured(picture, BLUE) == 0
    assert coloured(picture, GREEN) > 20


def test_looking_changes_no_network():
    method, dataset = make()
    before = {name: p.numpy() for name, p in method.networks["d"].state_dict().items()}
    moment_of(method, dataset)
    assert method.networks["d"].training
    for name, p in method.networks["d"].state_dict().items():
        np.testing.assert_array_equal(p.numpy(), before[name])


def test_arrows_need_noise_of_one_number_that_alone_makes_a_point():
    assert moment_of(*make(), num=5).noise.shape == (5,)
    assert moment_of(*make("method.z_dim=2"), num=5).noise is None
    assert moment_of(*make("method={name: cgan, z_dim: 1}"), num=5).noise is None


def test_densities_are_those_of_the_points():
    """The mixture that is drawn for the data is the one that its points are drawn from."""
    _, dataset = make("data.modes=3", "data.num_images=100000")
    edges = np.linspace(-1.2, 1.2, 49)
    counted, _ = np.histogram(dataset.images, edges, density=True)
    drawn = points._mixture((edges[:-1] + edges[1:]) / 2, dataset.centres[:, 0], dataset.std)
    np.testing.assert_allclose(drawn, counted, atol=0.06)


def test_samples_are_drawn_where_they_lie():
    """G's colour is at the samples' place, on the line and on the plane."""
    for overrides, places in [((), [[0.0], [0.6]]), ((PLANE,), [[-0.6, 0.0], [0.6, 0.0]])]:
        _, dataset = make(*overrides)
        middles = []
        for place in places:
            samples = np.array([place] * 50) + 0.01 * np.random.default_rng(0).standard_normal([50, len(place)])
            picture = draw(dataset, [Moment(1, samples, None, None)])[:300]  # without the legend
            middles.append((np.abs(picture.astype(int) - GREEN).max(2) < 40).nonzero()[1].mean() / picture.shape[1])
        assert middles[0] < 0.45
        assert middles[1] > 0.6


def test_no_checkpoint_is_opened_but_those_shown(toy, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(moments, "open_trained", lambda folder, step: opened.append(step) or open_trained(folder, step))
    monkeypatch.setattr(sampling, "open_trained", lambda folder, step: pytest.fail("opened"))
    sample(toy, tmp_path / "toy.png", None, Request(num=10), "cpu")
    assert opened == [25, 75, 150, 400]


@pytest.mark.parametrize("asked", [{"interpolate": 4}, {"out": "folder"}])
def test_samples_of_points_are_moments_or_arrays_and_nothing_else(toy, tmp_path, asked):
    out = tmp_path / asked.pop("out", "toy.png")
    with pytest.raises(RunError, match="trained on points; give --out FILE.npz for samples"):
        sample(toy, out, None, Request(num=10, **asked), "cpu")
    sample(toy, tmp_path / "toy.npz", None, Request(num=10), "cpu")
    with np.load(tmp_path / "toy.npz") as file:
        assert (file["points"].shape, file["points"].dtype) == ((10, 1), "float32")
        assert len(np.unique(file["points"])) == len(np.unique(file["z"])) == 10
    sample(toy, tmp_path / "toy.png", None, Request(num=10), "cpu")
    assert (tmp_path / "toy.png").exists()
