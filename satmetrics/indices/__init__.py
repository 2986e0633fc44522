"""`sat.indices`: what a scoreboard of satisfaction indices needs beside `sat.index`.

Every name is imported when it is first asked for.
"""

from typing import TYPE_CHECKING

from satmetrics._later import later

if TYPE_CHECKING:
    from satmetrics.indices.aggregate_changes import AggregateChanges
    from satmetrics.indices.aggregate_contributions import ChangeContributions
    from satmetrics.indices.aggregate_result import AggregateResult
    from satmetrics.indices.aggregation import aggregate
    from satmetrics.indices.board import scoreboard
    from satmetrics.indices.board_result import ScoreboardResult
    from satmetrics.indices.chart_result import ControlChart
    from satmetrics.indices.charts import control_chart
    from satmetrics.indices.diagnostics_result import IndexDiagnostics
    from satmetrics.indices.formula_files import formulas, load_formula, read_formula
    from satmetrics.indices.formula_result import FormulaResult
    from satmetrics.indices.formula_scores import formula_index
    from satmetrics.indices.formula_spec import FormulaComponent, FormulaIndex
    from satmetrics.indices.index_diagnostics import diagnostics
    from satmetrics.indices.invariance_by_unit import unit_invariance
    from satmetrics.indices.invariance_result import UnitInvariance
    from satmetrics.indices.plan_result import SamplePlan
    from satmetrics.indices.planning import detectable_change, sample_size
    from satmetrics.indices.rank_result import RankingResult
    from satmetrics.indices.ranks import ranking
    from satmetrics.indices.target_result import TargetsResult
    from satmetrics.indices.targets import targets_met

__all__ = [
    "AggregateChanges",
    "AggregateResult",
    "ChangeContributions",
    "ControlChart",
    "FormulaComponent",
    "FormulaIndex",
    "FormulaResult",
    "IndexDiagnostics",
    "RankingResult",
    "SamplePlan",
    "ScoreboardResult",
    "TargetsResult",
    "UnitInvariance",
    "aggregate",
    "control_chart",
    "detectable_change",
    "diagnostics",
    "formula_index",
    "formulas",
    "load_formula",
    "ranking",
    "read_formula",
    "sample_size",
    "scoreboard",
    "targets_met",
    "unit_invariance",
]

_HOMES = {
    "AggregateChanges": "satmetrics.indices.aggregate_changes",
    "AggregateResult": "satmetrics.indices.aggregate_result",
    "ChangeContributions": "satmetrics.indices.aggregate_contributions",
    "ControlChart": "satmetrics.indices.chart_result",
    "FormulaComponent": "satmetrics.indices.formula_spec",
    "FormulaIndex": "satmetrics.indices.formula_spec",
    "FormulaResult": "satmetrics.indices.formula_result",
    "IndexDiagnostics": "satmetrics.indices.diagnostics_result",
    "RankingResult": "satmetrics.indices.rank_result",
    "SamplePlan": "satmetrics.indices.plan_result",
    "ScoreboardResult": "satmetrics.indices.board_result",
    "TargetsResult": "satmetrics.indices.target_result",
    "UnitInvariance": "satmetrics.indices.invariance_result",
    "aggregate": "satmetrics.indices.aggregation",
    "control_chart": "satmetrics.indices.charts",
    "detectable_change": "satmetrics.indices.planning",
    "diagnostics": "satmetrics.indices.index_diagnostics",
    "formula_index": "satmetrics.indices.formula_scores",
    "formulas": "satmetrics.indices.formula_files",
    "load_formula": "satmetrics.indices.formula_files",
    "ranking": "satmetrics.indices.ranks",
    "read_formula": "satmetrics.indices.formula_files",
    "sample_size": "satmetrics.indices.planning",
    "scoreboard": "satmetrics.indices.board",
    "targets_met": "satmetrics.indices.targets",
    "unit_invariance": "satmetrics.indices.invariance_by_unit",
}
__getattr__ = later(globals(), _HOMES)


def __dir__() -> list[str]:
    """Return the names there are, those to be imported among them."""
    return sorted({*globals(), *__all__})
