"""A core that answers the Inspect and Detect panels at once, slowly or with an error."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

from dgno_core.detection.config import DetectConfig
from dgno_core.detection.objects import list_objects
from dgno_core.detection.results import Detection, DetectionFound
from dgno_core.interpretation.events import AnalysisProgressed, AnalysisWarned
from dgno_core.interpretation.faces import Faces
from dgno_core.interpretation.lam import Attribution, LamSettings, Window
from dgno_core.interpretation.registered import RegisteredMap
from dgno_core.interpretation.trust import TrustFound, TrustMap, Verdict
from dgno_core.metrics.matching import count, match
from napari_dgno.detect.objects import paint
from napari_dgno.detect.work import Compared, plane_source
from napari_dgno.inspect.work import OperatorPicture, Weighed
from napari_dgno.shared.analysis_panel import ResultReady


def ramp(shape: tuple[int, int]) -> np.ndarray:
    return np.linspace(0, 1, shape[0] * shape[1], dtype=np.float32).reshape(shape)


def faces() -> Faces:
    """Return two faces: one lies between two elements of 16 pixels, one is on the border."""
    return Faces(
        start=np.array([[15.5, -0.5], [-0.5, -0.5]]),
        end=np.array([[15.5, 15.5], [-0.5, 15.5]]),
        flux=np.array([2.0, 9.0], np.float32),
        received=np.array([[1.0, 3.0], [np.nan, 9.0]], np.float32),
        jump=np.array([0.5, 4.0], np.float32),
        is_boundary=np.array([False, True]),
    )


def operator_picture(request: Any, region: Any) -> OperatorPicture:
    """Return a map at half size of the region, and the faces if they are asked for."""
    size = (region.y.stop - region.y.start) // 2, (region.x.stop - region.x.start) // 2
    on_faces = request.shown.startswith("face_")
    made = RegisteredMap(
        request.shown, "A map", "Bright is much.", "feature units", ramp(size), (2.0, 2.0),
        (region.y.start + 0.5, region.x.start + 0.5),
        is_signed=request.dimension is not None,
    )  # fmt: skip
    return OperatorPicture(
        None if on_faces else made, faces() if on_faces or request.grid else None, "neumann"
    )


def attribution(window: Window, model: str = "fake", index: float = 12.5) -> Attribution:
    pixels = ramp((32, 32))
    return Attribution(
        attribution=pixels[None], signed=pixels, absolute=pixels, image=pixels[None],
        restored=pixels[None], translate=(4.0, 6.0), scale=(1.0, 1.0), window=window,
        gini=1 - index / 100, diffusion_index=index, objective=np.array([1.0, 2.0]),
        objective_blurred=0.5, completeness_error=0.0, nan_zeroed=0, settings=LamSettings(),
        steps=10, model=model, weights_sha256="", device="cpu", name="image", seconds=0.1,
    )  # fmt: skip


def trust_found(region: Any, *, second: bool = False) -> TrustFound:
    shape = region.y.stop - region.y.start, region.x.stop - region.x.start

    def made(key: str, limits: tuple[float, float], colours: str = "magma") -> TrustMap:
        return TrustMap(
            key, key.replace("_", " ").title(), ramp(shape), "%", f"What {key} means.", limits,
            colours, (float(region.y.start), float(region.x.start)), words=("little", "much"),
        )  # fmt: skip

    return TrustFound(
        restored=ramp(shape)[None], expected_error=made("expected_error", (0, 10)),
        residual=made("residual", (-4, 4), "coolwarm"), blur_width=made("blur_width", (0, 5)),
        spread=made("spread", (0, 3)), difference=made("difference", (0, 3)) if second else None,
        noise=1.0, verdict=Verdict("good", "Nothing speaks against it."),
        summary="The expected error is about 1 %.",
    )  # fmt: skip


class FakeAnalyses(SimpleNamespace):
    """Stands in for the work of both panels.

    `steps` steps of `delay` seconds each; `fail` is raised after the first, `note` is warned of,
    `calls` counts the works begun and `closed` notes how each ended.
    """

    def __init__(self) -> None:
        super().__init__(steps=3, delay=0.0, fail=None, note="", calls=[], closed=[])

    def _work(self, kind: str, result: Any) -> Iterator[Any]:
        self.calls.append(kind)
        end = "cancelled"
        try:
            for done in range(1, self.steps + 1):
                time.sleep(self.delay)
                yield AnalysisProgressed(done, self.steps)
                if self.fail is not None:
                    raise self.fail
            if self.note:
                yield AnalysisWarned(self.note)
            yield ResultReady(result())
            end = "finished"
        finally:
            self.closed.append(end)

    def looking_inside(
        self, subject: Any, config: Any, models: Any, request: Any, known: Any
    ) -> Iterator[Any]:
        yield from self._work("operator", lambda: operator_picture(request, subject.region))

    def attributing(
        self, subject: Any, configs: Any, models: Any, window: Any, settings: Any
    ) -> Iterator[Any]:
        found = tuple(attribution(window, c.model, 12.5 + 5 * i) for i, c in enumerate(configs))
        self.window = window
        yield from self._work("attribution", lambda: found)

    def weighing_trust(
        self, subject: Any, configs: Any, models: Any, pixel_size: Any
    ) -> Iterator[Any]:
        region = subject.region
        shape = region.y.stop - region.y.start, region.x.stop - region.x.start

        def weighed() -> Weighed:
            return Weighed(trust_found(region, second=len(configs) > 1), 1000 * ramp(shape))

        yield from self._work("trust", weighed)

    def comparing(
        self, comparison: Any, config: DetectConfig, restore: Any, models: Any
    ) -> Iterator[Any]:
        self.comparison = comparison
        yield from self._work("detect", lambda: compared(comparison, config, restore))


def detected(source: Any, threshold: float) -> Detection:
    """Return bright connected pixels as objects."""
    from scipy.ndimage import label

    axes = "".join(letter for letter in source.axes if letter != "S")
    pixels = np.asarray(source.data)
    pixels = pixels.mean(axis=-1) if "S" in source.axes else pixels
    planes = pixels.reshape(-1, *pixels.shape[-2:])
    labels = np.stack([label(plane > threshold)[0] for plane in planes]).astype(np.int32)
    sure = tuple(np.full(int(plane.max(initial=0)), 0.75, np.float32) for plane in labels)
    return Detection(labels.reshape(pixels.shape), axes, sure, (), source.name)


def compared(comparison: Any, config: DetectConfig, restore: Any) -> Compared:
    before = plane_source(comparison.before, comparison.position)
    first, second, restored = detected(before, 1000), None, None
    if comparison.after is not None:
        second = detected(plane_source(comparison.after, comparison.position), 1000)
    if restore is not None:
        restored = np.asarray(before.data) + before.dtype.type(1)
        second = detected(before, 1500)
    pairs = () if second is None else tuple(zip(first.planes, second.planes, strict=True))
    truth = comparison.truth
    found = DetectionFound(
        first, second, tuple(match(a, b, config.iou) for a, b in pairs),
        () if truth is None else tuple(count(truth, plane) for plane in first.planes),
        () if truth is None or second is None else tuple(count(truth, p) for p in second.planes),
        config, config.detector, (),
    )  # fmt: skip
    objects = list_objects(found)
    record = {} if restore is None else {"model": restore.model}
    return Compared(found, objects, paint(found, objects), restored, before.axes, record)
