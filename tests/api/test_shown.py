"""Results show themselves: in one line, as text, as JSON that follows its schema, in notebooks."""

import json

import jsonschema
import numpy as np
import pytest

import whyloss
from whyloss.errors import WhylossError
from whyloss.reporters.json import schema
from whyloss.testing import known_cause


@pytest.fixture(scope="module")
def results():
    predictions = known_cause(1, temperature=1.8, n_samples=400).source.predictions("val", 0)
    other = whyloss.Predictions.from_arrays(
        predictions.y_true, logits=predictions.scores / 1.8, ids=predictions.ids
    )
    diagnosis = whyloss.diagnose(predictions)
    return {
        "Diagnosis": diagnosis,
        "Comparison": whyloss.compare(predictions, other),
        "Review": whyloss.review(predictions),
        "CheckResult": whyloss.check(diagnosis, ["overconfidence", "accuracy<0.5"]),
    }


every_result = pytest.mark.parametrize("name", ["Diagnosis", "Comparison", "Review", "CheckResult"])


@every_result
def test_repr_is_one_short_line_with_the_answer(results, name, capsys):
    print(results[name])  # noqa: T201 - what print shows is tested
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1
    assert len(printed) < 200
    assert printed.startswith(f"<{name}: ")
    assert repr(results[name]) == printed.rstrip("\n")


def test_a_long_name_does_not_make_repr_long():
    y = np.array([0, 1] * 20)
    found = whyloss.review(
        whyloss.Predictions.from_arrays(y, logits=np.eye(2)[1 - y], split="s " * 500)
    )
    assert len(repr(found)) < 200


@every_result
def test_json_follows_the_schema_of_the_result(results, name):
    content = json.loads(results[name].to_json(), parse_constant=pytest.fail)
    assert content == results[name].to_dict()
    jsonschema.validate(content, schema(type(results[name])), cls=jsonschema.Draft202012Validator)


@every_result
def test_the_schema_asks_for_every_key_and_holds_no_other(results, name):
    outline = schema(type(results[name]))
    assert set(outline["required"]) == set(outline["properties"]) == set(results[name].to_dict())


@every_result
def test_every_format_gives_text_and_another_is_refused(results, name):
    for output_format in results[name].FORMATS:
        assert results[name].render(output_format).strip()
    assert results[name].to_markdown() == results[name].render("markdown")
    with pytest.raises(WhylossError, match="Unknown format 'pdf'"):
        results[name].render("pdf")


@every_result
def test_show_prints_what_the_terminal_form_holds(results, name, capsys):
    results[name].show()
    printed = " ".join(capsys.readouterr().out.split())
    assert results[name].render("terminal").split()[:8] == printed.split()[:8]


@pytest.mark.parametrize("name", ["Comparison", "Review"])
def test_a_notebook_shows_a_small_table(results, name):
    html = results[name]._repr_html_()
    assert html.count("<table>") == html.count("</table>") == 1
    assert len(html) < 20_000
    assert "<script" not in html


def test_names_in_a_notebook_are_text():
    y = np.array([0, 1] * 20)
    found = whyloss.review(
        y, logits=np.eye(2)[1 - y], classes=["<b>x</b>", "y"], ids=[f"<i>{i}" for i in range(40)]
    )
    html = found._repr_html_()
    assert "<b>" not in html
    assert "<i>" not in html
    assert "&lt;b&gt;x" in html
