"""The search: which recipe, and which operators in float, give the fastest candidate that can be proven.

| file | what |
|---|---|
| `search.py` | the steps, and the choice |
| `blocks.py` | cuts the graph into the parts that are weighed |
| `costs.py` | what int8 costs each part in accuracy and gains in time |
| `laboratory.py` | makes candidates, lets val answer, times |
| `question.py` | what test will ask, so that val is asked the same |
| `trial.py` | what val said of one candidate |
| `memory.py`, `budget.py` | what a killed search does not measure again; when it must stop |
"""

from edge_export.search.budget import Budget
from edge_export.search.laboratory import Laboratory
from edge_export.search.memory import Memory
from edge_export.search.question import Question
from edge_export.search.search import SearchResult, search
from edge_export.search.trial import Trial, judge_trial

__all__ = ["Budget", "Laboratory", "Memory", "Question", "SearchResult", "Trial", "judge_trial", "search"]
