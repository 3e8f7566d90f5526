import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import BadInput
from models.vocabulary import Vocabulary

words = st.lists(st.one_of(st.none(), st.sampled_from(["a", "b", "ö", "c,d", "1", "nan"])), min_size=2, max_size=20)


@given(words)
def test_a_level_keeps_its_code_whatever_stands_around_it(values: list[str | None]) -> None:
    X = pd.DataFrame({"x": np.arange(len(values), dtype=float), "word": pd.Series(values, dtype="str")})
    vocabulary = Vocabulary.from_json(json.loads(json.dumps(Vocabulary.learn(X).to_json())))
    whole = vocabulary.encode(X)
    alone = np.vstack([vocabulary.encode(X.iloc[[i]]) for i in range(len(X))])
    np.testing.assert_array_equal(whole, alone)
    if "word" in vocabulary.levels:
        read_back = [None if np.isnan(code) else vocabulary.levels["word"][int(code)] for code in whole[:, 1]]
        assert read_back == values


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([1, None, 3], dtype="Int64"),
        pd.Series([1.0, np.nan, 3.0], dtype="float32"),
        pd.Series([1.0, np.inf, 3.0]),
        pd.Series([1, None, 3], dtype=object),
        pd.Series([1.0, None, 3.0], dtype="double[pyarrow]"),
    ],
)
def test_numbers_of_every_make_are_the_same_floats(column: pd.Series) -> None:
    X = pd.DataFrame({"x": column})
    matrix = Vocabulary.learn(X).encode(X)
    assert matrix.dtype == np.float64
    np.testing.assert_array_equal(matrix[:, 0], [1.0, np.nan, 3.0])


@pytest.mark.parametrize("kind", ["str", "category", "object", "string[pyarrow]"])
def test_text_of_every_make_has_the_same_codes(kind: str) -> None:
    learnt = Vocabulary.learn(pd.DataFrame({"x": pd.Series(["b", "a", None, "c"], dtype="str")}))
    codes = learnt.encode(pd.DataFrame({"x": pd.Series(["a", "gold", None, "c"], dtype=kind)}))
    np.testing.assert_array_equal(codes[:, 0], [0.0, np.nan, np.nan, 2.0])


def test_flags_are_numbers() -> None:
    X = pd.DataFrame({"x": pd.Series([True, None, False], dtype="boolean"), "y": [True, True, False]})
    matrix = Vocabulary.learn(X).encode(X)
    np.testing.assert_array_equal(matrix, [[1, 1], [np.nan, 1], [0, 0]])


def test_dead_columns_are_named_and_gaps_beside_one_value_are_kept() -> None:
    X = pd.DataFrame(
        {"a": [1.0, 2.0], "b": [np.nan, np.nan], "c": ["x", "x"], "d": [1.0, np.nan], "e": [np.inf, np.inf]}
    )
    vocabulary = Vocabulary.learn(X)
    assert vocabulary.features == ("a", "d")
    assert vocabulary.dropped == {"b": "empty", "c": "constant", "e": "empty"}


def test_a_column_that_became_empty_is_missing_not_wrong() -> None:
    vocabulary = Vocabulary.learn(pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]}))
    later = pd.DataFrame({"a": pd.Series([None], dtype=object), "b": [np.nan]})
    assert np.isnan(vocabulary.encode(later)).all()


@pytest.mark.parametrize(
    ("later", "said"),
    [
        (pd.DataFrame({"a": [1.0]}), "lack b"),
        (pd.DataFrame({"a": ["1"], "b": ["x"]}), "a was a number at training and is text now"),
        (pd.DataFrame({"a": [1.0], "b": [2.0]}), "b was text at training and is float64 now"),
    ],
)
def test_another_table_is_refused_in_a_sentence(later: pd.DataFrame, said: str) -> None:
    vocabulary = Vocabulary.learn(pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]}))
    with pytest.raises(BadInput, match=said):
        vocabulary.encode(later)


def test_what_is_no_feature_is_refused() -> None:
    with pytest.raises(BadInput, match="seen_on is datetime64"):
        Vocabulary.learn(pd.DataFrame({"seen_on": pd.to_datetime(["2026-01-01", "2026-01-02"])}))
    with pytest.raises(BadInput, match="a more than once"):
        Vocabulary.learn(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    with pytest.raises(BadInput, match="none of the 1 features varies"):
        Vocabulary.learn(pd.DataFrame({"a": [1.0, 1.0]}))


def test_of_many_levels_the_frequent_ones_are_kept_and_the_rest_is_one() -> None:
    rare = [f"r{i:03}" for i in range(100) for _ in range(3)]
    X = pd.DataFrame({"town": ["Ulm"] * 40 + ["Bonn"] * 20 + ["Kiel"] * 19 + rare + [None]})
    vocabulary = Vocabulary.from_json(json.loads(json.dumps(Vocabulary.learn(X).to_json())))
    assert vocabulary.levels["town"] == ("Bonn", "Ulm")
    codes = vocabulary.encode(pd.DataFrame({"town": ["Ulm", "Bonn", "Kiel", "r007", "never seen", None]}))[:, 0]
    np.testing.assert_array_equal(codes, [1, 0, 2, 2, 2, np.nan])


def test_no_more_levels_are_kept_than_a_booster_can_bear() -> None:
    X = pd.DataFrame({"town": [f"t{i:04}" for i in range(1000) for _ in range(20 + (i % 2))]})
    kept = Vocabulary.learn(X).levels["town"]
    assert len(kept) == 254
    assert all(int(town[1:]) % 2 for town in kept)  # the more frequent ones


def test_few_levels_are_all_kept_however_rare() -> None:
    X = pd.DataFrame({"town": [f"t{i}" for i in range(64)]})
    assert len(Vocabulary.learn(X).levels["town"]) == 64


def test_a_text_without_a_frequent_level_is_left_out() -> None:
    X = pd.DataFrame({"id": [f"t{i}" for i in range(65)], "a": np.arange(65.0)})
    assert Vocabulary.learn(X).dropped == {"id": "text: 65 values in 65 rows, none of them in 20"}
