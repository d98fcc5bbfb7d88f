from .galerkin import dg_integral as dg_integral
from .galerkin import galerkin_integral as galerkin_integral
from .scan import selective_scan as selective_scan
