"""Service quality beyond the gaps: scores, zones, weights, comparisons, five gaps."""

from satmetrics.criteria.ahp import ahp_weights
from satmetrics.criteria.allocation import point_weights
from satmetrics.criteria.book import StoredWeights, WeightBook
from satmetrics.criteria.dispersion import critic_weights, entropy_weights
from satmetrics.criteria.fuzzy import fuzzy_evaluation
from satmetrics.criteria.fuzzy_result import FuzzyEvaluation
from satmetrics.criteria.grades import GradeShares, grade_shares
from satmetrics.criteria.hierarchy import IndexHierarchy
from satmetrics.criteria.hierarchy_changes import HierarchyChanges, hierarchy_changes
from satmetrics.criteria.hierarchy_nodes import IndexNode
from satmetrics.criteria.hierarchy_result import HierarchyScores
from satmetrics.criteria.hierarchy_scores import hierarchy_scores
from satmetrics.criteria.regression import regression_weights
from satmetrics.criteria.weights import CriteriaWeights
from satmetrics.gap.best_competitor import Benchmark, benchmark
from satmetrics.gap.expectation_sources import (
    ExpectationDrivers,
    expectation_drivers,
)
from satmetrics.gap.five.agreed import agreement
from satmetrics.gap.five.agreement_result import Agreement
from satmetrics.gap.five.antecedents import antecedents_of, gap_model
from satmetrics.gap.five.blueprint import Blueprint
from satmetrics.gap.five.conformance import ConformanceResult
from satmetrics.gap.five.decomposition import GapDecomposition
from satmetrics.gap.five.explained import GapExplanation
from satmetrics.gap.five.explanations import explain_gap5, explain_gaps
from satmetrics.gap.five.result import FiveGapsResult
from satmetrics.gap.five.shrunken import ShrunkenMeans, shrunken_means
from satmetrics.gap.five.steps import Step, StepStandard
from satmetrics.gap.five.units import UnitGaps, unit_gaps
from satmetrics.gap.gap_psychometrics import psychometrics
from satmetrics.gap.group_comparison import GapComparison, compare_gaps
from satmetrics.gap.performance_result import PerformanceResult
from satmetrics.gap.psychometric_result import GapPsychometrics
from satmetrics.gap.servperf import performance
from satmetrics.gap.standard_spec import Standard, Standards
from satmetrics.gap.standards_met import StandardsResult, standards
from satmetrics.gap.states import disconfirmation, three_states
from satmetrics.gap.states_result import StatesResult
from satmetrics.gap.surface_result import SurfaceResult
from satmetrics.gap.surfaces import response_surface
from satmetrics.gap.tolerance_zones import zones
from satmetrics.gap.wave_drift import Drift, drift
from satmetrics.gap.zone_result import ZoneResult
from satmetrics.survey.answering import response_quality
from satmetrics.survey.answering_result import ResponseQuality

__all__ = [
    "Agreement",
    "Benchmark",
    "Blueprint",
    "ConformanceResult",
    "CriteriaWeights",
    "Drift",
    "ExpectationDrivers",
    "FiveGapsResult",
    "FuzzyEvaluation",
    "GapComparison",
    "GapDecomposition",
    "GapExplanation",
    "GapPsychometrics",
    "GradeShares",
    "HierarchyChanges",
    "HierarchyScores",
    "IndexHierarchy",
    "IndexNode",
    "PerformanceResult",
    "ResponseQuality",
    "ShrunkenMeans",
    "Standard",
    "Standards",
    "StandardsResult",
    "StatesResult",
    "Step",
    "StepStandard",
    "StoredWeights",
    "SurfaceResult",
    "UnitGaps",
    "WeightBook",
    "ZoneResult",
    "agreement",
    "ahp_weights",
    "antecedents_of",
    "benchmark",
    "compare_gaps",
    "critic_weights",
    "disconfirmation",
    "drift",
    "entropy_weights",
    "expectation_drivers",
    "explain_gap5",
    "explain_gaps",
    "fuzzy_evaluation",
    "gap_model",
    "grade_shares",
    "hierarchy_changes",
    "hierarchy_scores",
    "performance",
    "point_weights",
    "psychometrics",
    "regression_weights",
    "response_quality",
    "response_surface",
    "shrunken_means",
    "standards",
    "three_states",
    "unit_gaps",
    "zones",
]
