"""Linear kinetics in closed form."""

from individose.kinetics.linear.divided import decay_divided, leading_decay_divided

__all__ = ["decay_divided", "leading_decay_divided"]
