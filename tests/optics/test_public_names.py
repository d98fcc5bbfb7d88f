from __future__ import annotations

import subprocess
import sys

import pytest

import dgno_core.optics as optics


def test_every_public_name_is_there() -> None:
    assert len(optics.__all__) > 20
    assert set(optics.__all__) <= set(dir(optics))
    for name in optics.__all__:
        assert getattr(optics, name).__module__.startswith("dgno_core.optics."), name


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="blur_magically"):
        _ = optics.blur_magically


def test_importing_any_but_the_blur_of_training_loads_no_torch() -> None:
    on_tensors = {"Aberrations", "blur_interpolated", "ray_kernels"}
    names = ", ".join(sorted(set(optics.__all__) - on_tensors))
    script = f"import sys; from dgno_core.optics import {names}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)
