"""`sat.assessment.simple_slopes`: an effect at values of its moderator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import check_level, did_you_mean, expect, friendly_keywords
from satmetrics._frames import Table, stack
from satmetrics._special import normal_quantile
from satmetrics._typing import FloatArray
from satmetrics.assessment import _inner
from satmetrics.assessment.sloped import SimpleSlopes
from satmetrics.errors import OptionError
from satmetrics.estimation.fit import PlsFit
from satmetrics.inference import _intervals
from satmetrics.inference.bootstrap import BootstrapResult
from satmetrics.inference.measures import as_batch
from satmetrics.models.terms import Interaction


@friendly_keywords
def simple_slopes(
    fit: PlsFit,
    interaction: str | None = None,
    *,
    at: Sequence[float] = (-1.0, 0.0, 1.0),
    predictor: str | None = None,
    boot: BootstrapResult | None = None,
    level: float = 0.95,
) -> SimpleSlopes:
    r"""Return the effect of a predictor at values of its moderator.

    .. math:: \frac{∂y}{∂x}\bigg|_m = b_x + b_{xm} m

    for standardised scores x, m and y, with :math:`b_{xm}` the coefficient of the
    product x m itself. The path p of an interaction is that of a term z of variance 1.
    In approach "two-stage" z is the product of the first stage's scores over its
    standard deviation, by which p is divided. In approaches "product" and "orthogonal"
    z is a composite of product indicators and counts by its projection on the scores
    and their product, :math:`z ≈ a_x x + a_m m + a_{xm} x m`: then
    :math:`b_{xm} = p a_{xm}`, and :math:`p a_x` is added to the path of x. Of a
    quadratic term the slope at x is :math:`b_x + 2 b_{xx} x`.

    Parameters
    ----------
    fit : of a model with interactions; a batch gives rows per group.
    interaction : name of one of them; all when None.
    at : values of the moderator, in standard deviations from its mean.
    predictor : which factor is the predictor, the other being the moderator; the first
        when None.
    boot : what `sat.bootstrap(fit, data)` returned, for standard errors and intervals
        from its draws.
    level : confidence level of the intervals.

    Returns
    -------
    SimpleSlopes

    Raises
    ------
    OptionError
        If the model has no such interaction, or `boot` is of another fit.

    References
    ----------
    Aiken and West (1991), Multiple Regression: Testing and Interpreting Interactions;
    Henseler and Fassott (2010), doi:10.1007/978-3-540-32827-8_31; Johnson and Neyman
    (1936), Statistical Research Memoirs 1, 57-93.

    Examples
    --------
    >>> import satmetrics as sat
    >>> ecsi = sat.models.load("ecsi")
    >>> names = ("Image", "Value", "Satisfaction")
    >>> model = sat.StructuralModel.from_blocks(
    ...     "moderated",
    ...     constructs={name: ecsi.construct(name).indicators for name in names},
    ...     paths={
    ...         name: ["Satisfaction"] for name in ("Image", "Value", "Image x Value")
    ...     },
    ...     interactions={"Image x Value": ("Image", "Value")},
    ... )
    >>> survey = sat.datasets.load("airline_waves")
    >>> found = sat.assessment.simple_slopes(sat.pls(model, survey))
    >>> list(found.to_frame().query("term == 'slope'")["at"])
    [-1.0, 0.0, 1.0]
    """
    expect(
        "simple_slopes",
        fit,
        PlsFit,
        "a fit",
        remedy="pass what sat.pls(model, data) returned",
    )
    check_level(level)
    numbers = _Numbers.of(fit, boot, level)
    parts = [
        _rows(numbers, term, target, _values(at), predictor)
        for term in _chosen(fit, interaction)
        for target in _targets(fit, term)
    ]
    return SimpleSlopes(
        stack(parts, keys=fit.key_names), fit.context, level=level, title=fit.title
    )


@dataclass(frozen=True)
class _Numbers:
    """Estimates (B, k) of a fit and, of a single one, draws (D, k) of them."""

    fit: PlsFit
    rows: dict[tuple[str, str, str], int]
    estimate: FloatArray
    draws: FloatArray | None
    level: float

    @classmethod
    def of(cls, fit: PlsFit, boot: BootstrapResult | None, level: float) -> _Numbers:
        labels = fit.labels()
        words = zip(labels["term"], labels["source"], labels["target"], strict=True)
        rows = {(str(t), str(s), str(to)): i for i, (t, s, to) in enumerate(words)}
        source = fit.source if fit.batched else as_batch(fit.source)
        own = fit.statistics(source).values
        draws = None
        if boot is not None:
            expect(
                "simple_slopes",
                boot,
                BootstrapResult,
                "a bootstrap",
                remedy="boot= takes what sat.bootstrap(fit, data) returned",
            )
            fit.require_single("take")
            k = own.shape[1]
            same = len(boot.table) >= k and np.allclose(
                boot.table["estimate"][:k], own[0], rtol=1e-9, atol=1e-9, equal_nan=True
            )
            if not same:
                raise OptionError(
                    "boot is of another fit",
                    code="other-fit",
                    column="boot",
                    remedy="pass sat.bootstrap(fit, data) of this fit",
                )
            draws = boot.draws[:, :k]
        return cls(fit, rows, own, draws, level)

    def pair(
        self, name: str, predictor: str, target: str
    ) -> tuple[FloatArray, FloatArray | None]:
        """Return slope and moderation: (B, 2) estimates and (D, 2) draws."""
        at = [
            self.rows["slope", predictor, target],
            self.rows["moderation", name, target],
        ]
        return self.estimate[:, at], None if self.draws is None else self.draws[:, at]


def _values(at: Sequence[float]) -> FloatArray:
    values = np.atleast_1d(np.asarray(at, dtype=np.float64))
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise OptionError(
            f"at={at!r} are no values of the moderator",
            code="bad-at",
            column="at",
            value=at,
            remedy="give standard deviations from the mean, such as (-1, 0, 1)",
        )
    return values


def _chosen(fit: PlsFit, name: str | None) -> tuple[Interaction, ...]:
    made = {term.name: term for term in fit.spec.interactions}
    if not made:
        raise OptionError(
            f"model {fit.model.name!r} has no interaction",
            code="no-interaction",
            remedy="state interactions={name: (predictor, moderator)} in the model",
        )
    if name is None:
        return tuple(made.values())
    if name not in made:
        raise OptionError(
            f"there is no interaction {name!r}",
            code="unknown-interaction",
            column="interaction",
            value=name,
            remedy=f"{did_you_mean(name, made)} it has {', '.join(made)}".strip(),
        )
    return (made[name],)


def _targets(fit: PlsFit, term: Interaction) -> list[str]:
    return [p.target for p in fit.spec.paths if p.source == term.name]


def _roles(term: Interaction, predictor: str | None) -> tuple[str, str]:
    first, second = term.factors
    if predictor in (None, first):
        return first, second
    if predictor == second:
        return second, first
    raise OptionError(
        f"{predictor!r} is no factor of interaction {term.name!r}",
        code="unknown-predictor",
        column="predictor",
        value=predictor,
        remedy=f"it is {first} × {second}; name one, and interaction= too",
    )


def _rows(
    numbers: _Numbers,
    term: Interaction,
    target: str,
    at: FloatArray,
    predictor: str | None,
) -> Table:
    """Return the rows of one interaction and target."""
    x, m = _roles(term, predictor)
    own, draws = numbers.pair(term.name, x, target)
    double = 2.0 if term.quadratic else 1.0
    edges = np.empty(0)
    if draws is not None:
        edges = _boundaries(own[0], draws, double, numbers.level)
    slopes = np.column_stack([np.ones(len(at)), double * at])
    linear = np.vstack([slopes, [[0.0, 1.0]]])
    on = np.column_stack([np.ones(len(edges)), double * edges])
    f2 = _f2(numbers.fit, term.name, target)
    estimate = np.hstack([own @ linear.T, f2, own @ on.T])
    terms = ["slope"] * len(at) + ["moderation", "f2_fixed"] + ["boundary"] * len(edges)
    values = {
        "at": np.concatenate([at, [np.nan, np.nan], edges]),
        "n": np.asarray(numbers.fit.source.n, dtype=np.int64).reshape(-1, 1),
        "estimate": estimate,
        **_errors(draws, linear, estimate, numbers.level),
    }
    labels = {"source": x, "target": target, "interaction": term.name, "moderator": m}
    shape = estimate.shape if numbers.fit.batched else estimate.shape[1:]
    return numbers.fit.tidy(
        {"term": terms, **{n: [word] * len(terms) for n, word in labels.items()}},
        {
            n: np.broadcast_to(v, estimate.shape).reshape(shape)
            for n, v in values.items()
        },
    )


def _errors(
    draws: FloatArray | None, linear: FloatArray, estimate: FloatArray, level: float
) -> dict[str, FloatArray]:
    """Return errors, tests and limits; NaN beyond the linear numbers, or undrawn."""
    names = ("std_error", "conf_low", "conf_high")
    out = {n: np.full(estimate.shape, np.nan) for n in names}
    if draws is not None:
        found = draws @ linear.T
        _, error, _ = _intervals.moments(found)
        for name, value in zip(
            names, (error, *_intervals.percentile(found, level)), strict=True
        ):
            out[name][:, : len(linear)] = value
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = estimate / out["std_error"]
    return out | {"statistic": statistic, "p_value": _intervals.normal_p(statistic)}


def _f2(fit: PlsFit, name: str, target: str) -> FloatArray:
    """Return f² (B, 1) of an interaction, with scores held."""
    names, q = fit.model.names, len(fit.model.names)
    vif = _inner.predictor_vif(fit.corr.reshape(-1, q, q), fit.model.adjacency())
    found = _inner.f2_fixed(
        fit.path_matrix.reshape(-1, q, q), vif, fit.r_squared.reshape(-1, q)
    )
    return found[:, [names.index(name)], names.index(target)]


def _boundaries(
    own: FloatArray, draws: FloatArray, double: float, level: float
) -> FloatArray:
    """Return the values m at which ``(b + c m)² = z² Var(b + c m)``, ascending."""
    b, c = own[0], double * own[1]
    defined = draws[np.isfinite(draws).all(axis=1)] * np.array([1.0, double])
    V = np.cov(defined.T)
    z2 = float(normal_quantile(0.5 + level / 2)) ** 2
    square = c * c - z2 * V[1, 1]
    half = b * c - z2 * V[0, 1]
    rest = b * b - z2 * V[0, 0]
    inside = half * half - square * rest
    if inside < 0 or square == 0:
        return np.empty(0)
    root = np.sqrt(inside)
    return np.sort(np.array([(-half - root) / square, (-half + root) / square]))
