"""The reproduction of Leung, Lin and Zhang (2021), NH-PINN: a client of the library."""

from hybrid.study.names import bring

bring("paper")
