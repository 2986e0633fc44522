"""Clusters and strata as they come."""

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from satmetrics.errors import DataError
from satmetrics.survey import Survey, read
from satmetrics.survey.study import Study


def frame(**columns):
    base = {
        "region": ["N", "N", "N", "N", "S", "S", "S", "S"],
        "site": ["a", "a", "b", "b", "c", "c", "d", "d"],
        "q1": [1, 2, 3, 4, 5, 6, 7, 8],
    }
    return pd.DataFrame({**base, **columns})


@pytest.mark.parametrize(
    "make", [lambda f: f, pl.from_pandas, pa.Table.from_pandas], ids=["pd", "pl", "pa"]
)
def test_clusters_and_strata_are_roles_and_no_items(make):
    numbered = frame(site=[1, 1, 2, 2, 3, 3, 4, 4])
    survey = Survey(make(numbered), cluster="site", stratum="region")
    assert survey.items == ("q1",)
    assert survey.design().cluster.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert survey.design().stratum.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    facts = dict(survey.summary().facts)
    assert facts["roles"] == "cluster = site, stratum = region"
    assert facts["sampled"] == "4 clusters in 2 strata"


@pytest.mark.parametrize("role", ["cluster", "stratum"])
@pytest.mark.parametrize("blank", [None, " ", ""])
def test_a_row_without_cluster_or_stratum_raises(role, blank):
    column = {"cluster": "site", "stratum": "region"}[role]
    labels = frame()[column].tolist()
    with pytest.raises(DataError, match=f"1 rows have no {role} in '{column}'") as e:
        Survey(frame(**{column: [blank, *labels[1:]]}), **{role: column})
    assert e.value.code == f"missing-{role}"
    assert f"without {role}=" in e.value.remedy


def test_a_row_without_a_numbered_cluster_raises():
    sites = [1, 1, 2, 2, 3, 3, None, 4]
    with pytest.raises(DataError, match="1 rows have no cluster"):
        Survey(frame(site=sites), cluster="site")


def test_a_cluster_in_two_strata_raises_with_both_cures():
    regions = ["N", "N", "N", "S", "S", "S", "S", "S"]
    with pytest.raises(DataError, match=r"cluster 'b'.*two strata.*'N' and 'S'") as e:
        Survey(frame(region=regions), cluster="site", stratum="region")
    assert (e.value.code, e.value.value) == ("cluster-in-strata", "b")
    assert "numbered anew in each stratum" in e.value.remedy


def test_the_cure_for_clusters_numbered_anew_works():
    again = frame(site=[1, 1, 2, 2, 1, 1, 2, 2])
    with pytest.raises(DataError, match=r"cluster '1'.*2 such clusters") as e:
        Survey(again, cluster="site", stratum="region")
    joined = e.value.remedy.split("into one column: ")[1]
    again["psu"] = eval(joined, {"frame": again})
    survey = Survey(again.drop(columns="site"), cluster="psu", stratum="region")
    assert survey.design().words == "4 clusters in 2 strata"


def test_a_stratum_with_one_cluster_raises():
    sites = ["a", "a", "a", "a", "c", "c", "d", "d"]
    with pytest.raises(
        DataError, match=r"with one cluster only: 'N'.*no variance"
    ) as e:
        Survey(frame(site=sites), cluster="site", stratum="region")
    assert (e.value.code, e.value.value) == ("lone-cluster", ("N",))
    assert "merge" in e.value.remedy


def test_a_stratum_with_one_respondent_raises():
    regions = ["N", "S", "S", "S", "S", "S", "S", "S"]
    with pytest.raises(DataError, match="with one respondent only: 'N'"):
        Survey(frame(region=regions), stratum="region")


def test_one_cluster_for_all_raises():
    with pytest.raises(DataError, match="all rows are of one cluster of 'site'"):
        Survey(frame(site="a"), cluster="site")


def test_blanks_around_cluster_labels_are_removed_and_noted():
    sites = ["a", "a ", "b", "b", "c", "c", "d", "D"]
    survey = Survey(frame(site=sites), cluster="site")
    assert survey.design().words == "5 clusters"
    notes = " ".join(survey.context.notes)
    assert "blanks around 1 labels of 'site' were removed" in notes
    assert "labels of 'site' differ by case or width only: 'd', 'D'" in notes


def test_strata_may_be_the_units_but_clusters_no_weights():
    survey = Survey(frame(), unit="region", stratum="region", cluster="site")
    assert survey.groups("unit")[1]["region"].tolist() == ["N", "S"]
    with pytest.raises(DataError, match="cannot be both weight and cluster"):
        Survey(frame(w=1.0), weight="w", cluster="w")
    with pytest.raises(DataError, match="cannot be both cluster and stratum"):
        Survey(frame(), cluster="site", stratum="site")


def test_roles_given_later_are_checked_too():
    survey = Survey(frame(), stratum="region")
    assert survey.with_roles(cluster="site").design().words == "4 clusters in 2 strata"
    with pytest.raises(DataError, match="did you mean 'site'"):
        survey.with_roles(cluster="sit")


def test_rows_left_out_for_their_weight_do_not_count_as_clusters():
    weights = [0, 0, 1, 1, 1, 1, 1, 1]
    with pytest.raises(DataError, match="with one cluster only: 'N'"):
        Survey(frame(w=weights), weight="w", cluster="site", stratum="region")


def test_a_study_states_clusters_and_strata(tmp_path):
    study = Study.from_toml('schema = 1\n[roles]\ncluster="site"\nstratum="region"\n')
    file = tmp_path / "sites.csv"
    frame().to_csv(file, index=False)
    for survey in (
        read(file, study),
        read(file, cluster="site", stratum="region"),
    ):
        assert survey.design().words == "4 clusters in 2 strata"
        assert survey.items == ("q1",)


def test_long_answers_keep_their_design():
    wide = frame(id=range(8))
    long = wide.melt(["id", "region", "site"], var_name="item", value_name="x")
    survey = Survey.from_long(
        long,
        respondent="id",
        item="item",
        value="x",
        cluster="site",
        stratum="region",
    )
    assert survey.design().words == "4 clusters in 2 strata"
