from .contrastive import efcr as efcr
from .contrastive import efcr_ex as efcr_ex
from .contrastive import efcr_ex_unlabelled as efcr_ex_unlabelled
from .multiscale import multiscale_loss as multiscale_loss
from .multiscale import pixel_loss as pixel_loss
from .regularisation import EFCR as EFCR
