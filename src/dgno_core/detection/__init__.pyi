from .config import DetectConfig as DetectConfig
from .models import detector_names as detector_names
from .results import Detection as Detection
from .results import DetectionFound as DetectionFound
from .run import detect as detect
from .run import detect_events as detect_events
from .status import status_map as status_map
