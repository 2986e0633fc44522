"""Words in which people answer, and names that columns of a role go by."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from satmetrics.survey.answers import plain_text

ROLE_WORDS: Mapping[str, tuple[str, ...]] = {
    "weight": ("weight", "weights", "wt", "wgt", "pweight", "权重", "加权", "权数"),
    "unit": (
        "unit",
        "company",
        "firm",
        "brand",
        "branch",
        "store",
        "shop",
        "outlet",
        "bank",
        "airline",
        "hotel",
        "hospital",
        "operator",
        "provider",
        "site",
        "公司",
        "企业",
        "品牌",
        "门店",
        "网点",
        "分店",
        "分行",
        "支行",
        "店铺",
        "单位",
        "机构",
        "医院",
        "酒店",
        "航空公司",
        "运营商",
    ),
    "wave": (
        "wave",
        "period",
        "quarter",
        "date",
        "month",
        "year",
        "期",
        "期次",
        "波次",
        "批次",
        "季度",
        "日期",
        "时间",
        "月份",
        "年份",
        "调查期",
        "调查日期",
    ),
    "respondent": (
        "respondent",
        "respondentid",
        "respid",
        "id",
        "caseid",
        "customerid",
        "uid",
        "编号",
        "受访者",
        "受访者编号",
        "样本编号",
        "问卷编号",
        "客户编号",
        "顾客编号",
        "序号",
    ),
    "cluster": (
        "cluster",
        "psu",
        "segment",
        "district",
        "interviewer",
        "群",
        "初级抽样单元",
    ),
    "stratum": ("stratum", "strata", "layer", "抽样层", "分层"),
    "source": (
        "source",
        "mode",
        "channel",
        "method",
        "interviewmode",
        "渠道",
        "方式",
        "来源",
        "访问方式",
        "调查方式",
        "数据来源",
    ),
}

NO_ANSWER = frozenset(
    {
        "don't know",
        "dont know",
        "do not know",
        "dk",
        "no opinion",
        "no answer",
        "not applicable",
        "refused",
        "prefer not to say",
        "not sure",
        "不知道",
        "不清楚",
        "不了解",
        "不适用",
        "无法评价",
        "无法回答",
        "拒答",
        "拒绝回答",
        "未回答",
        "说不清",
        "说不准",
    }
)

_GRADES: tuple[tuple[int, tuple[str, ...]], ...] = (
    (3, ("extremely", "completely", "极其", "极度", "完全")),
    (2, ("very", "strongly", "totally", "highly", "非常", "很", "十分", "特别")),
    (1, ("somewhat", "slightly", "rather", "fairly", "tend to", "比较", "较", "有点")),
)
_NEUTRAL = frozenset(
    {
        "neutral",
        "neither",
        "neither satisfied nor dissatisfied",
        "neither dissatisfied nor satisfied",
        "neither agree nor disagree",
        "neither disagree nor agree",
        "neither good nor bad",
        "neither good nor poor",
        "undecided",
        "average",
        "fair",
        "so-so",
        "一般",
        "中立",
        "普通",
        "尚可",
        "还可以",
        "一般般",
        "说不上",
        "无所谓",
    }
)
_BAD = frozenset(
    {
        "dissatisfied",
        "unsatisfied",
        "not satisfied",
        "disagree",
        "poor",
        "bad",
        "unlikely",
        "unimportant",
        "不满意",
        "不同意",
        "不认同",
        "不赞同",
        "差",
        "不好",
        "不可能",
        "不愿意",
        "不重要",
    }
)
_GOOD = frozenset(
    {
        "satisfied",
        "agree",
        "good",
        "likely",
        "important",
        "满意",
        "同意",
        "认同",
        "赞同",
        "好",
        "可能",
        "愿意",
        "重要",
    }
)
_MILDLY_NOT = ("not very ", "not really ", "not quite ", "不太", "不大", "不怎么")
_FIXED = {"excellent": 2, "优秀": 2, "terrible": -2, "极差": -2, "满分": 2}
_LETTER = re.compile(r"^\(?[a-z0-9]{1,2}[.、:)．]\s*")


def squeeze(name: str) -> str:
    """Return a name as it is compared: letters and digits only, one width, no case."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(c for c in folded if c.isalnum())


def words_of(name: str) -> list[str]:
    """Return the words of a column name."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return [word for word in re.split(r"[\W_]+", folded) if word]


def role_rank(role: str, name: str) -> int | None:
    """Return how well a column name fits a role, 0 best; None if it does not."""
    known = ROLE_WORDS[role]
    plain = squeeze(name)
    if plain in known:
        return known.index(plain)
    hits = [known.index(word) for word in words_of(name) if word in known]
    return len(known) + min(hits) if hits else None


def is_no_answer(text: str) -> bool:
    """Return whether an answer text says that there is no answer."""
    return _bare(text) in NO_ANSWER


def propose_numbers(texts: Sequence[str], points: int = 0) -> dict[str, int] | None:
    """Return a number for each answer text, lowest first; None if one is not known.

    Texts are placed from extremely bad to extremely good; the number is the place among
    the grades that occur, mirrored where one side has fewer. A neutral grade that no
    text shows is counted only if the scale is known to have that many points.

    Parameters
    ----------
    texts : the answer texts.
    points : points of the scale, 0 if not known.

    Examples
    --------
    >>> propose_numbers(["非常满意", "满意", "一般", "不满意", "非常不满意"])
    {'非常不满意': 1, '不满意': 2, '一般': 3, '满意': 4, '非常满意': 5}
    """
    grades = {text: _grade(_bare(text)) for text in texts}
    known = {text: grade for text, grade in grades.items() if grade is not None}
    if not known or len(known) < len(grades):
        return None
    levels = _levels(set(known.values()), points)
    ordered = sorted(known, key=lambda text: (known[text], text))
    return {text: levels.index(known[text]) + 1 for text in ordered}


def _levels(grades: set[float], points: int) -> list[float]:
    """Return the grades of the whole scale, lowest first."""
    low, high = sorted(g for g in grades if g < 0), sorted(g for g in grades if g > 0)
    if len(low) != len(high):
        high = sorted({abs(g) for g in grades if g})
        low = [-g for g in reversed(high)]
    neutral = 0 in grades or points == len(low) + len(high) + 1
    return [*low, *([0.0] if neutral else []), *high]


def _grade(text: str) -> float | None:
    """Return the place of a text between -3 and 3; plain words stand at 1.5."""
    if text in _FIXED:
        return float(_FIXED[text])
    if text in _NEUTRAL:
        return 0.0
    for mark in _MILDLY_NOT:
        if text.startswith(mark) and text.removeprefix(mark) in _GOOD:
            return -1.0
    strength, rest = 1.5, text
    for size, mark in ((s, m) for s, marks in _GRADES for m in marks):
        if text.startswith(mark) and text not in _BAD | _GOOD:
            strength, rest = float(size), text.removeprefix(mark).strip()
            break
    if rest in _BAD:
        return -strength
    return strength if rest in _GOOD else None


def _bare(text: str) -> str:
    return _LETTER.sub("", plain_text(text))
