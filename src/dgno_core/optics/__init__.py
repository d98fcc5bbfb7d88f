"""Forward physics (blur that varies over the field, camera noise) and classical deconvolution.

Pure functions on numpy arrays; randomness comes from a seed or a generator that the caller hands
in. The fast blur of training, `blur_interpolated` with `ray_kernels`, works on tensors. The names
are loaded on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dgno_core.optics.aberrated import Aberrations as Aberrations
    from dgno_core.optics.aberrated import ray_kernels as ray_kernels
    from dgno_core.optics.controlled import SceneRanges as SceneRanges
    from dgno_core.optics.controlled import controlled_pair as controlled_pair
    from dgno_core.optics.controlled import controlled_scene as controlled_scene
    from dgno_core.optics.deconvolution import richardson_lucy as richardson_lucy
    from dgno_core.optics.deconvolution import wiener as wiener
    from dgno_core.optics.interpolated import blur_interpolated as blur_interpolated
    from dgno_core.optics.maps import WidthMap as WidthMap
    from dgno_core.optics.maps import draw_map as draw_map
    from dgno_core.optics.maps import region_map as region_map
    from dgno_core.optics.maps import smooth_map as smooth_map
    from dgno_core.optics.noise import camera_noise as camera_noise
    from dgno_core.optics.occlusion import LayeredBlur as LayeredBlur
    from dgno_core.optics.occlusion import blur_layers as blur_layers
    from dgno_core.optics.occlusion import draw_layered_blur as draw_layered_blur
    from dgno_core.optics.psf import disk_psf as disk_psf
    from dgno_core.optics.psf import gaussian_psf as gaussian_psf
    from dgno_core.optics.psf import make_psf as make_psf
    from dgno_core.optics.pupil import pupil_psf as pupil_psf
    from dgno_core.optics.ring import RingBlur as RingBlur
    from dgno_core.optics.ring import ring_blur as ring_blur
    from dgno_core.optics.ring_deconvolution import ring_deconvolve as ring_deconvolve
    from dgno_core.optics.scenes import FocalStack as FocalStack
    from dgno_core.optics.scenes import focal_stack as focal_stack
    from dgno_core.optics.seidel import Seidel as Seidel
    from dgno_core.optics.seidel import blur_exact as blur_exact
    from dgno_core.optics.seidel import pupil_extent as pupil_extent
    from dgno_core.optics.seidel import seidel_psf as seidel_psf
    from dgno_core.optics.varying import blur_varying as blur_varying

_HOMES = {
    "aberrated": ["Aberrations", "ray_kernels"],
    "controlled": ["SceneRanges", "controlled_pair", "controlled_scene"],
    "deconvolution": ["richardson_lucy", "wiener"],
    "interpolated": ["blur_interpolated"],
    "maps": ["WidthMap", "draw_map", "region_map", "smooth_map"],
    "noise": ["camera_noise"],
    "occlusion": ["LayeredBlur", "blur_layers", "draw_layered_blur"],
    "psf": ["disk_psf", "gaussian_psf", "make_psf"],
    "pupil": ["pupil_psf"],
    "ring": ["RingBlur", "ring_blur"],
    "ring_deconvolution": ["ring_deconvolve"],
    "scenes": ["FocalStack", "focal_stack"],
    "seidel": ["Seidel", "blur_exact", "pupil_extent", "seidel_psf"],
    "varying": ["blur_varying"],
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    """Import a public name from its home on first use (PEP 562)."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted({*globals(), *_HOME_OF})
