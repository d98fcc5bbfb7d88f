from .config import TrainConfig as TrainConfig
from .config_file import load_config as load_config
from .engine import train_events as train_events
from .shortcuts import TrainResult as TrainResult
from .shortcuts import train as train
