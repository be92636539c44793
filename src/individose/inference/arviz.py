"""A fit's draws in the form that ArviZ reads, for its plots and summaries (https://www.arviz.org)."""

from __future__ import annotations

from typing import Any

import numpy as np

from individose.base import InputError
from individose.inference.fit import Fit, individuals


def to_arviz(fit: Fit) -> Any:
    """The draws of `fit` as a data tree (`xarray.DataTree`) by chain and draw.

    Groups: `posterior` with the individual parameters at the latest covariates under their names and the random
    effects as `eta` (dimension `effect`), `sample_stats` with what the sampler says of each draw, `observed_data` with
    the measured levels (mg/L).

    **Raises:** `InputError` for a fit without draws, or where arviz-base is not installed.
    """
    if fit.draws is None or fit.sampling is None:
        raise InputError(
            f"a fit by {fit.method} ({fit.status.code}) was given to ArviZ",
            "a fit that carries draws: method sir or nuts",
            "a normal approximation has none",
            'Estimate with method="nuts".',
        )
    try:
        import arviz_base
    except ImportError as error:
        raise InputError(
            "ArviZ is not installed",
            "the package arviz-base",
            "an optional part of individose",
            "Install individose[arviz].",
        ) from error
    chains = fit.sampling.chains
    named = [i for i, name in enumerate(fit.problem.effects) if name]
    by_chain = fit.draws.reshape(chains, -1, fit.draws.shape[-1])
    parameters = individuals([fit], [fit.draws])
    posterior = {name: values.reshape(chains, -1) for name, values in parameters.items()}
    posterior["eta"] = by_chain[:, :, named]
    measured = np.asarray(fit.problem.data.measured) > 0
    groups = {
        "posterior": posterior,
        "sample_stats": dict(fit.sampling.statistics),
        "observed_data": {"level": np.asarray(fit.problem.data.observed)[measured]},
    }
    return arviz_base.from_dict(
        {name: values for name, values in groups.items() if values},
        coords={"effect": [fit.problem.effects[i] for i in named]},
        dims={"eta": ["effect"]},
    )
