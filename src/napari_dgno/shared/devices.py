"""Which devices to offer, found without importing torch (that takes seconds).

A wrong guess does no harm: the core checks again and says in one sentence what is missing.
"""

from __future__ import annotations

import ctypes
import importlib.metadata
import platform
import sys

#: What a device is called in the panel.
TITLES = {
    "auto": "Automatic",
    "cpu": "Processor (CPU)",
    "cuda": "NVIDIA graphics card (CUDA)",
    "mps": "Apple graphics (MPS)",
}


def _torch_has_cuda() -> bool:
    """Whether the installed torch was built for CUDA; True where its version does not tell."""
    try:
        return "+cpu" not in importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return False


def _cuda_driver_sees_card() -> bool:
    """Ask the driver, if there is one, whether it has a card."""
    names = ["nvcuda.dll"] if sys.platform == "win32" else ["libcuda.so.1", "libcuda.so"]
    for name in names:
        try:
            driver = ctypes.CDLL(name)
        except OSError:
            continue
        count = ctypes.c_int(0)
        return bool(
            driver.cuInit(0) == 0
            and driver.cuDeviceGetCount(ctypes.byref(count)) == 0
            and count.value > 0
        )
    return False


def available_devices() -> list[str]:
    """Names of the devices this computer seems to have, ``"auto"`` and ``"cpu"`` first."""
    devices = ["auto", "cpu"]
    if _torch_has_cuda() and _cuda_driver_sees_card():
        devices.append("cuda")
    if sys.platform == "darwin" and platform.machine() == "arm64":
        devices.append("mps")
    return devices
