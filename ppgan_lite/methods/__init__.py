"""What can be trained, one file each. METHODS maps a config's `method.name` to its class."""

from ppgan_lite.methods.acgan import ACGAN
from ppgan_lite.methods.began import BEGAN
from ppgan_lite.methods.cgan import CGAN
from ppgan_lite.methods.classifier import Classifier
from ppgan_lite.methods.dragan import DRAGAN
from ppgan_lite.methods.gan import GAN
from ppgan_lite.methods.hinge import Hinge
from ppgan_lite.methods.infogan import InfoGAN
from ppgan_lite.methods.lsgan import LSGAN
from ppgan_lite.methods.ragan import RaGAN
from ppgan_lite.methods.sngan import SNGAN
from ppgan_lite.methods.vae import VAE
from ppgan_lite.methods.wgan import WGAN
from ppgan_lite.methods.wgan_gp import WGANGP

METHODS = {
    "acgan": ACGAN,
    "began": BEGAN,
    "cgan": CGAN,
    "classifier": Classifier,
    "dragan": DRAGAN,
    "gan": GAN,
    "hinge": Hinge,
    "infogan": InfoGAN,
    "lsgan": LSGAN,
    "ragan": RaGAN,
    "sngan": SNGAN,
    "vae": VAE,
    "wgan": WGAN,
    "wgan_gp": WGANGP,
}
