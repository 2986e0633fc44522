"""Exceptions and warnings of satmetrics.

::

    SatmetricsError
    ├── SpecificationError (ValueError)     a model, instrument or study is at odds
    ├── OptionError (TypeError, ValueError) an argument or option is not one that exists
    ├── DataError (ValueError)              the data cannot serve what was asked
    │   └── MissingMomentsError             a figure needed is not among those given
    ├── NotIdentifiedError (ValueError)     more unknowns than the data can settle
    ├── ConvergenceError (RuntimeError)     stopped before the criterion was met
    └── MissingDependencyError (ImportError) an optional package is not installed

    SatmetricsWarning (UserWarning)
    ├── MissingDataWarning      answers were left out, and counted
    ├── SmallSampleWarning      fewer answers than the method wants
    ├── ScaleWarning            answers do not look as the scale says
    ├── SourceWarning           interview modes are mixed, or self-selected
    ├── ReversalWarning         a reversed item seems to have been reversed already
    ├── SpecificationWarning    a questionnaire departs from a rule of thumb
    └── InadmissibleWarning     a solution outside the space of possible ones

Every error carries ``code`` (a stable word for programs), ``column`` and ``value``
(what was wrong, where there is one) and ``remedy`` (what would be right), so that a
service can act on it without reading the sentence.
"""

from __future__ import annotations


class SatmetricsError(Exception):
    """Root of all errors raised on purpose.

    Parameters
    ----------
    message : what is wrong, with the value.
    code : stable identifier of the kind of fault, such as ``"columns-not-found"``.
    column : name of the column, construct or field at fault, if there is one.
    value : the offending value, if there is one.
    remedy : what would be right; appended to the message.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "error",
        column: str | None = None,
        value: object = None,
        remedy: str = "",
    ) -> None:
        remedy = remedy.strip()
        super().__init__(f"{message}; {remedy}" if remedy else message)
        self.code = code
        self.column = column
        self.value = value
        self.remedy = remedy

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by state, so that the error crosses process borders whole."""
        return (_restore, (type(self), self.args, self.__dict__))


def _restore(
    cls: type[SatmetricsError], args: tuple[object, ...], state: dict[str, object]
) -> SatmetricsError:
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error


class SpecificationError(SatmetricsError, ValueError):
    """A model, instrument or study file contradicts itself."""


class OptionError(SatmetricsError, TypeError, ValueError):
    """An argument or option is not one that exists."""


class DataError(SatmetricsError, ValueError):
    """The data cannot serve what was asked of them."""


class MissingMomentsError(DataError):
    """The method needs a figure (such as correlations) that was not given."""


class NotIdentifiedError(SatmetricsError, ValueError):
    """More unknowns than the data can settle."""


class ConvergenceError(SatmetricsError, RuntimeError):
    """The iteration stopped before its criterion was met."""


class MissingDependencyError(SatmetricsError, ImportError):
    """An optional package is needed and not installed."""


class SatmetricsWarning(UserWarning):
    """Root of all warnings."""


class MissingDataWarning(SatmetricsWarning):
    """Answers were left out; the result counts them."""


class SmallSampleWarning(SatmetricsWarning):
    """Fewer answers than the method wants."""


class ScaleWarning(SatmetricsWarning):
    """Answers do not look as the declared scale says."""


class SourceWarning(SatmetricsWarning):
    """Interview modes are mixed, or respondents selected themselves."""


class ReversalWarning(SatmetricsWarning):
    """A reversed item seems to have been reversed already."""


class SpecificationWarning(SatmetricsWarning):
    """A questionnaire departs from a rule of thumb, or lacks a part."""


class InadmissibleWarning(SatmetricsWarning):
    """The solution lies outside the space of possible ones."""
