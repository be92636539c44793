"""Which systems of differential equations there are, by name. One of one's own is one more line."""

from __future__ import annotations

from individose.kinetics.ode.model import OdeSystem
from individose.kinetics.ode.systems.auto_inhibition import auto_inhibition
from individose.kinetics.ode.systems.friberg import friberg
from individose.kinetics.ode.systems.hill_rates import HILL_RATES
from individose.kinetics.ode.systems.indirect_response import indirect_response
from individose.kinetics.ode.systems.michaelis_menten import first_order_elimination, michaelis_menten
from individose.kinetics.ode.systems.savic_transit import savic_transit
from individose.kinetics.ode.systems.target_mediated import target_mediated
from individose.kinetics.ode.systems.weibull_absorption import weibull_absorption

ODE_SYSTEMS: dict[str, OdeSystem] = {
    "linear": first_order_elimination(),
    "linear, first_order": first_order_elimination(depot=True),
    "linear, two_compartment": first_order_elimination(2),
    "linear, two_compartment, first_order": first_order_elimination(2, depot=True),
    "michaelis_menten": michaelis_menten(),
    "michaelis_menten, first_order": michaelis_menten(depot=True),
    "michaelis_menten, two_compartment": michaelis_menten(2),
    "michaelis_menten, two_compartment, first_order": michaelis_menten(2, depot=True),
    "parallel": michaelis_menten(linear=True),
    "parallel, first_order": michaelis_menten(linear=True, depot=True),
    "parallel, two_compartment": michaelis_menten(2, linear=True),
    "parallel, two_compartment, first_order": michaelis_menten(2, linear=True, depot=True),
    "hill_rates": HILL_RATES,
    "auto_inhibition": auto_inhibition(),
    "auto_inhibition, voriconazole": auto_inhibition(law="hyperbolic", compartments=2, depot=True),
    "auto_inhibition, clearance": auto_inhibition("CL"),
    "savic_transit": savic_transit(),
    "savic_transit, two_compartment": savic_transit(2),
    "weibull": weibull_absorption(),
    "weibull, two_compartment": weibull_absorption(2),
    "target_mediated": target_mediated(),
    "target_mediated, first_order": target_mediated(depot=True),
    "indirect_response 1": indirect_response(1),
    "indirect_response 2": indirect_response(2),
    "indirect_response 3": indirect_response(3),
    "indirect_response 4": indirect_response(4),
    "friberg": friberg(),
    "friberg, two_compartment": friberg(compartments=2),
}
"""Name to system: elimination or effect first, then where the drug goes and how it comes in."""
