"""`score` and `rerank` on small runs, from the command line."""

import dataclasses
import io
import json
import shutil
import sys

import numpy as np
import pytest
import tensorflow as tf
from small_runs import SMALL_MODEL, the_sentence

from electra_bench import registry
from electra_bench.cli.main import main
from electra_bench.cli.of_run import METHODS as CLI_METHODS
from electra_bench.core import Seed, Variables
from electra_bench.core.variables import variable_name
from electra_bench.models.factory import encoder_factory
from electra_bench.objectives.pseudo_likelihood import METHODS
from electra_bench.records import find_records, read_record, write_record
from electra_bench.reports.leaderboard import leaderboard
from electra_bench.runs.launch import launch, parse
from electra_bench.tasks.metrics.hypotheses import METRICS
from electra_bench.training.checkpoint_files import find_checkpoint
from electra_bench.training.checkpoints import restore
from electra_bench.training.text_scoring import text_batch
from electra_bench.vocabularies.load import load_vocabulary

TEXTS = [
    "The module defines a class.",
    "a",
    "This is a longer line that comes before a short one, as files are read.",
    "of the of the of",
]
OBJECTIVES = {
    "electric": ["OBJECTIVE = 'electric'"],
    "electra_tt": ["objectives.electra.generator = 'two_tower'"],
    "mlm": ["OBJECTIVE = 'mlm'"],
}
# As if the run were one of plain ELECTRA.
ELECTRA = "--gin.objectives.electra.generator='masked_lm'"


@pytest.fixture(scope="module")
def runs(text_file, vocab_file, tmp_path_factory):
    """One run of a few steps for every way to score."""
    folder = tmp_path_factory.mktemp("runs")
    made = {}
    for label, bindings in OBJECTIVES.items():
        launch(
            "pretrain",
            ["runs/pretrain.gin"],
            [
                *SMALL_MODEL,
                "models.electra.max_positions = 64",
                f"CORPORA = {{'scored': {{'files': {str(text_file)!r}}}}}",
                "CORPUS = 'scored'",
                f"VOCAB = {str(vocab_file)!r}",
                f"WORKDIR = {str(folder)!r}",
                f"LABEL = {label!r}",
                "TRAIN_STEPS = 3",
                "BATCH_SIZE = 8",
                "MAX_SEQ_LENGTH = 32",
                "PRETRAIN_LEARNING_RATE = 1e-2",
                "WARMUP_STEPS = 1",
                "runs.pretrain.processes = 1",
                "runs.pretrain.eval_batches = 1",
                *bindings,
            ],
        )
        made[label] = folder / f"pretrain-{label}-s0"
    return made


@pytest.fixture
def scored(runs, tmp_path, capsys):
    """Scores texts with a run; returns the lines of the output."""

    def score(label, texts, *flags):
        file = tmp_path / "lines.txt"
        file.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
        capsys.readouterr()
        argv = ["score", str(runs[label]), "--input", str(file), *flags]
        assert main(argv) == 0
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return score


@pytest.fixture
def refused(runs, capsys):
    """Runs a command on a run; it must fail before any work. Returns its sentence."""

    def run(verb, label, *flags):
        capsys.readouterr()
        assert main([verb, str(runs[label]), *map(str, flags)]) == 2
        captured = capsys.readouterr()
        assert not captured.out
        return the_sentence(captured.err, verb)

    return run


def trained(run_dir, objective):
    """The objective with its checkpoint's values, and its vocabulary."""
    tokens = load_vocabulary(str(run_dir / "vocab.txt"))
    parse([str(run_dir / "config.gin")], [])
    variables = Variables(0)
    built = registry.objectives.get(objective)(
        encoders=encoder_factory("electra", variables, tokens.special_ids.size),
        variables=variables,
        special_ids=tokens.special_ids,
    )
    prefix = find_checkpoint(str(run_dir))
    restore(prefix, {variable_name(v): v for v in built.variables})
    return built, tokens


def ids_of(tokens, text):
    return np.array(tokens.encode_batch([text])[0])


def test_names_on_the_command_line_are_those_of_the_code():
    assert CLI_METHODS == METHODS
    from electra_bench.cli import rerank

    assert tuple(rerank.NAMES) == METRICS


# -------------------------------------------------------------------------- score


def test_electric_scores_every_line_in_its_place(scored, runs):
    lines = scored("electric", TEXTS, "--tokens")
    objective, tokens = trained(runs["electric"], "electric")
    assert [line["id"] for line in lines] == [1, 2, 3, 4]
    assert [line["text"] for line in lines] == TEXTS
    for line in lines:
        ids = ids_of(tokens, line["text"])
        energies = objective.energies(text_batch([ids], tokens.special_ids)).numpy()
        inside = -energies[0, 1 : len(ids) + 1]
        assert line["pll"] == pytest.approx(float(inside.sum()), rel=1e-4, abs=1e-4)
        assert line["num_tokens"] == len(ids)
        assert line["per_token"] == pytest.approx(line["pll"] / len(ids))
        pieces, scores = zip(*line["tokens"], strict=True)
        assert list(pieces) == [tokens.id_to_token(int(i)) for i in ids]
        np.testing.assert_allclose(scores, inside, rtol=1e-4, atol=1e-4)


def test_a_masked_lm_scores_by_masking_every_token(scored, runs, tmp_path):
    lines = scored("mlm", TEXTS, "--workdir", str(tmp_path / "out"))
    assert "tokens" not in lines[0]
    objective, tokens = trained(runs["mlm"], "mlm")
    model = objective.masked_lm
    count = 0
    for line in lines:
        ids = ids_of(tokens, line["text"])
        pll = 0.0
        for i, token in enumerate(ids):
            hidden = ids.copy()
            hidden[i] = tokens.special_ids.mask
            batch = text_batch([hidden], tokens.special_ids)
            sequence = model.encoder(
                batch.input_ids,
                batch.input_mask,
                batch.segment_ids,
                seed=Seed.of(0),
                training=False,
            ).sequence
            logits = model._head(sequence)[0, i + 1]
            pll += float(tf.nn.log_softmax(logits)[token])
        count += len(ids)
        assert line["pll"] == pytest.approx(pll, rel=1e-4)
    [record] = [read_record(str(p)) for p in (tmp_path / "out").glob("*/record.json")]
    [result] = record.results
    assert record.kind == "score" and record.status == "done"
    assert record.objective == "mlm" and record.label == "mlm"
    assert record.parent_run_id == read_record(str(runs["mlm"] / "record.json")).run_id
    total = sum(line["pll"] for line in lines)
    assert result.metrics["passes"] == result.metrics["tokens"] == count
    assert result.metrics["mean_pll"] == pytest.approx(total / len(lines))
    assert result.metrics["perplexity"] == pytest.approx(np.exp(-total / count))
    assert result.main_score == result.metrics["mean_pll"]


def test_methods_of_two_towers_are_normalised_and_differ(scored, tmp_path, capsys):
    by_method = {
        method: [line["pll"] for line in scored(label, TEXTS, *flags)]
        for method, label, flags in (
            ("electra_tt", "electra_tt", []),
            ("two_tower", "electra_tt", ["--method", "two_tower"]),
        )
    }
    for plls in by_method.values():
        assert max(plls) < 0
    assert by_method["electra_tt"] != pytest.approx(by_method["two_tower"], rel=1e-3)


@pytest.mark.parametrize("label", ["electric", "mlm"])
def test_groups_change_nothing(label, scored):
    plls = {
        tokens: [
            line["pll"]
            for line in scored(
                label, TEXTS * 3, f"--gin.runs.score.batch_tokens={tokens}"
            )
        ]
        for tokens in (1, 50, 8192)
    }
    assert plls[1] == pytest.approx(plls[8192], rel=1e-4, abs=1e-4)
    assert plls[50] == pytest.approx(plls[8192], rel=1e-4, abs=1e-4)


def test_json_from_and_to_pipes_and_files(runs, scored, tmp_path, monkeypatch, capsys):
    expected = scored("electric", TEXTS)
    content = "".join(
        json.dumps({"id": f"n{i}", "body": t}) + "\n" for i, t in enumerate(TEXTS)
    )
    pipe = io.TextIOWrapper(io.BytesIO(content.encode()))
    monkeypatch.setattr(sys, "stdin", pipe)
    out = tmp_path / "scores.jsonl"
    argv = ["score", str(runs["electric"]), "--input", "-", "--format", "jsonl"]
    argv += ["--text_field", "body", "--output", str(out)]
    assert main(argv) == 0
    captured = capsys.readouterr()
    assert not captured.out
    assert "4 lines" in captured.err and "4 passes in" in captured.err
    assert "lines/s" in captured.err and "perplexity" not in captured.err
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["id"] for line in lines] == ["n0", "n1", "n2", "n3"]
    assert [line["pll"] for line in lines] == [line["pll"] for line in expected]


def test_lines_that_cannot_be_scored(refused, scored, tmp_path, capsys):
    wrong = {
        "": "line 2: empty, so there is nothing to score",
        "\u200b\u0001": "line 2: holds no token of the vocabulary",
        "a " * 63: "line 2: 63 tokens, but the encoder has positions for 62 beside",
    }
    for text, said in wrong.items():
        file = tmp_path / "wrong.txt"
        file.write_text(f"a\n{text}\nb\n", encoding="utf-8")
        out = tmp_path / "out.jsonl"
        assert said in refused("score", "electric", "--input", file, "--output", out)
        assert not out.exists()
    file.write_text("\n".join(["a", *wrong, "b"]), encoding="utf-8")
    skipping = ("--input", file, "--output", out, "--on_error=skip")
    said = refused("score", "electric", *skipping)
    assert "wrong.txt: 3 of 5 lines cannot be used, more than the 10 % that may" in said
    assert "(runs.score.max_skipped): " in said and "line 2: empty" in said
    assert not out.exists()
    allowed = ("--on_error=skip", "--max_skipped=0.6")
    found = scored("electric", ["a", *wrong, "b"], *allowed)
    assert [(line["id"], line["text"]) for line in found] == [(1, "a"), (5, "b")]
    # As many tokens as there are positions.
    [line] = scored("electric", ["a " * 62])
    assert line["num_tokens"] == 62


def test_what_is_left_out_and_what_was_not_trained_is_told(runs, tmp_path, capsys):
    file = tmp_path / "lines.txt"
    file.write_text("a\n\n" + "a " * 31 + "\n")
    skipping = ["--on_error=skip", "--max_skipped=0.4"]
    argv = ["score", str(runs["electric"]), "--input", str(file), *skipping]
    assert main(argv) == 0
    said = capsys.readouterr().err
    assert "1 skipped" in said and "skipped: " in said and "line 2: empty" in said
    assert "1 of 2 texts have more than the 30 tokens that the run was trained" in said


def test_what_texts_lose_is_told_and_marked(runs, tmp_path, capsys):
    file = tmp_path / "thai.txt"
    file.write_text("the end\n" + "ภาษาไทย" * 40 + "\n", encoding="utf-8")
    argv = ["score", str(runs["electric"]), "--input", str(file)]
    assert (
        main([*argv, "--output", str(tmp_path / "out"), "--workdir", str(tmp_path)])
        == 0
    )
    assert "become [UNK], 100 % of these in runs of over 200" in capsys.readouterr().err
    [path] = find_records(str(tmp_path))
    assert "text unknown" in read_record(path).results[0].marks


def test_commands_of_score_that_cannot_work(refused, runs, tmp_path, capsys):
    file = tmp_path / "lines.txt"
    file.write_text("a\n")
    said = refused("score", "electra_tt", "--input", file, ELECTRA)
    assert "is not trained to score texts; --method mlm scores with its gener" in said
    assert "OBJECTIVE = 'electric'" in said
    said = refused("score", "mlm", "--input", file, "--method", "electric")
    assert "lacks what the method 'electric' needs; it can be scored by: mlm" in said
    said = refused("score", "electric", "--input", tmp_path / "nothing.txt")
    assert str(tmp_path / "nothing.txt") in said
    said = refused("score", "electric", "--input", file, "--output", file)
    assert "would replace the input" in said
    assert file.read_text() == "a\n"
    file.write_text("")
    assert "no text to score" in refused("score", "electric", "--input", file)
    assert main(["score", str(tmp_path / "nothing"), "--input", "x"]) == 2
    assert "no run at" in capsys.readouterr().err
    assert main(["score", str(runs["mlm"])]) == 2
    assert "required: --input" in capsys.readouterr().err


def test_a_fine_tuned_run_is_refused(runs, tmp_path, capsys):
    run_dir = tmp_path / "run"
    shutil.copytree(runs["electric"], run_dir)
    record = read_record(str(run_dir / "record.json"))
    write_record(str(run_dir), dataclasses.replace(record, kind="finetune"))
    (tmp_path / "lines.txt").write_text("a\n")
    capsys.readouterr()
    argv = ["score", str(run_dir), "--input", str(tmp_path / "lines.txt")]
    assert main(argv) == 2
    said = the_sentence(capsys.readouterr().err, "score")
    assert "is a finetune run, which scores no texts" in said
    # A run that was interrupted has no record, but a configuration.
    (run_dir / "record.json").unlink()
    assert main(argv) == 0


def test_a_dry_run_writes_nothing(runs, tmp_path, capsys):
    file = tmp_path / "lines.txt"
    file.write_text("a b\nc\n")
    out = tmp_path / "out.jsonl"
    argv = [str(runs["mlm"]), "--input", str(file), "--output", str(out), "--dry_run"]
    capsys.readouterr()
    assert main(["score", *argv, "--workdir", str(tmp_path / "out")]) == 0
    shown = capsys.readouterr().out
    assert "nothing is scored" in shown and "passes" in shown
    assert list(tmp_path.iterdir()) == [file]


# ------------------------------------------------------------------------- rerank


@pytest.fixture
def nbest(scored, tmp_path):
    """Lists whose right hypothesis is the one with the largest PLL.

    Returns the files of dev and test lists and the PLLs of the hypotheses.
    """
    texts = [f"{a} {b}" for a in TEXTS[:3] for b in ("", "module class", "x q j")]
    pll = {line["text"]: line["pll"] for line in scored("electric", texts)}
    files = {}
    for split, kept in (("dev", texts), ("test", texts[::-1])):
        lines = []
        for i in range(0, len(kept), 3):
            three = kept[i : i + 3]
            best = max(three, key=pll.__getitem__)
            # Behind by 0.32 * the difference of the PLLs: found from 0.35 on.
            first = [{"text": t, "score": -0.32 * pll[t]} for t in three]
            lines.append({"id": f"{split}{i}", "hypotheses": first, "reference": best})
        files[split] = tmp_path / f"{split}.jsonl"
        files[split].write_text("".join(f"{json.dumps(x)}\n" for x in lines))
    return files, pll


def reranked(capsys, *argv):
    capsys.readouterr()
    assert main(["rerank", *map(str, argv)]) == 0
    return capsys.readouterr().out


def test_which_lists_choose_lambda_makes_a_run(runs, nbest, tmp_path, capsys):
    files, _ = nbest
    paths = [files["dev"], files["test"]]
    found = {}
    for name, (dev, test) in {"as is": paths, "swapped": paths[::-1]}.items():
        argv = ["--dev", dev, "--test", test, "--metric", "wer", "--workdir", tmp_path]
        reranked(capsys, runs["electric"], *argv)
        folder = tmp_path / f"rerank-electric-s0-electric-{test.stem}"
        found[name] = read_record(str(folder / "record.json"))
        text = (folder / "config.gin").read_text()
        assert "#= data of dev " in text and "#= data of test " in text
    assert found["as is"].identity_without_seed != (
        found["swapped"].identity_without_seed
    )
    # Older folders name the files.
    for split, path in (("dev", dev), ("test", test)):
        text = text.replace(f"#= data of {split} ", f"#= data of {path} ")
    text = "\n".join(line for line in text.splitlines() if line[:3] != "#~ ")
    (folder / "config.gin").write_text(text + "\n")
    (folder / "record.json").unlink()
    reranked(capsys, runs["electric"], *argv)
    assert f"#= data of {dev} " in (folder / "config.gin").read_text()


def test_texts_of_a_pipe_are_told_apart(runs, tmp_path, monkeypatch, capsys):
    def identity(*lines):
        content = "".join(f"{line}\n" for line in lines)
        pipe = io.TextIOWrapper(io.BytesIO(content.encode()))
        monkeypatch.setattr(sys, "stdin", pipe)
        argv = ["score", str(runs["electric"]), "--input", "-", "--overwrite"]
        assert main([*argv, "--workdir", str(tmp_path)]) == 0
        capsys.readouterr()
        [path] = tmp_path.glob("*/record.json")
        return read_record(str(path)).identity

    first = identity("a b", "c")
    assert identity("a b", "c") == first
    assert identity("a", "b c") != first


def test_rerank_chooses_lambda_on_dev_and_applies_it(runs, nbest, tmp_path, capsys):
    files, pll = nbest
    out = tmp_path / "best.jsonl"
    argv = [runs["electric"], "--dev", files["dev"], "--test", files["test"]]
    argv += ["--metric", "wer", "--output", out, "--workdir", tmp_path / "out"]
    found = json.loads(reranked(capsys, *argv, "--json"))
    assert found["lambda"] == 0.35
    dev, test = found["results"]
    for result in (dev, test):
        assert result["wer_before"] > 0
        assert result["wer_after"] == result["wer_oracle"] == 0.0
        assert result["lists"] == 3 and result["hypotheses"] == 9
        assert result["passes"] == 9 and result["seconds"] > 0
        assert result["changed"] == 100.0
    lists = [json.loads(line) for line in files["test"].read_text().splitlines()]
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    for line, given in zip(lines, lists, strict=True):
        hypotheses = given["hypotheses"]
        assert line["id"] == given["id"] and line["best"] == given["reference"]
        assert hypotheses[line["index"]]["text"] == line["best"]
        expected = [h["score"] + 0.35 * pll[h["text"]] for h in hypotheses]
        assert line["scores"] == pytest.approx(expected, rel=1e-4, abs=1e-4)
    [path] = (tmp_path / "out").glob("*/record.json")
    record = read_record(str(path))
    assert record.kind == "rerank" and record.results[1].main_metric == "wer_after"
    assert record.results[1].higher_is_better is False
    assert record.results[1].metrics["passes"] == 9
    table = leaderboard(kinds=("rerank",))([record])
    assert table.rows
    # The same command again, and a table instead of JSON.
    shown = reranked(capsys, *argv)
    assert "electric: lambda 0.35" in shown and "WER before" in shown
    assert "oracle" in shown and "passes" in shown
    # Another one may not take its folder.
    assert main(["rerank", *map(str, argv), "--lambda", "0.1"]) == 2
    assert "holds another run" in capsys.readouterr().err


@pytest.mark.parametrize("metric", ["bleu", "chrf"])
def test_rerank_by_translation_metrics(metric, runs, nbest, capsys):
    files, _ = nbest
    argv = [runs["electric"], "--dev", files["dev"], "--metric", metric, "--json"]
    [dev] = json.loads(reranked(capsys, *argv))["results"]
    assert dev[f"{metric}_before"] < dev[f"{metric}_after"] == pytest.approx(100.0)
    assert dev["lambda"] == 0.35


def test_lambda_may_be_given_and_then_nothing_else_is_needed(runs, tmp_path, capsys):
    file = tmp_path / "n.jsonl"
    hypotheses = [{"text": "a b", "score": -5}, {"text": "", "score": -1}]
    file.write_text(json.dumps({"hypotheses": hypotheses}))
    argv = [runs["mlm"], "--test", file, "--lambda", "0"]
    shown = reranked(capsys, *argv)
    assert "lambda 0" in shown and "before" not in shown
    argv[-1] = "0.3"
    [line] = reranked(capsys, *argv, "--output", "-").splitlines()
    line = json.loads(line)
    assert (line["id"], line["index"], line["best"]) == (1, 1, "")
    assert line["scores"][1] == -1  # no token, no pass, and a PLL of 0


def test_a_grid_that_is_of_no_use_is_told(runs, nbest, capsys):
    files, _ = nbest
    argv = ["--dev", str(files["dev"]), "--metric", "wer"]
    capsys.readouterr()
    assert (
        main(["rerank", str(runs["electric"]), *argv, "--gin.runs.rerank.grid=[0.1]"])
        == 0
    )
    captured = capsys.readouterr()
    assert "lambda 0.1" in captured.out
    assert "no lambda of the grid makes the dev lists better: wer is" in captured.err


def test_lists_that_cannot_be_reranked(refused, nbest, runs, tmp_path, capsys):
    files, _ = nbest
    dev, test = files["dev"], files["test"]
    wrong = tmp_path / "wrong.jsonl"

    def lists(**changes):
        good = {"hypotheses": [{"text": "a", "score": 1}], "reference": "a"}
        lines = [good, {k: v for k, v in (good | changes).items() if v is not None}]
        wrong.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        return ["--dev", dev, "--test", wrong, "--metric", "wer"]

    where = f"{wrong}: line 2"
    a = {"text": "a", "score": 1}
    for changes, said in (
        ({"hypotheses": None}, ": field 'hypotheses' is missing"),
        ({"hypotheses": []}, ": field 'hypotheses' is no list with entries"),
        ({"hypotheses": [{"text": "a"}]}, ": hypothesis 1 has no score"),
        ({"reference": None}, " has no reference, which --metric wer needs"),
        ({"reference": None, "references": ["a", "b"]}, " has 2 references"),
        (
            {"hypotheses": [a, a | {"text": "a " * 63}]},
            ": hypothesis 2: 63 tokens, but",
        ),
    ):
        assert f"{where}{said}" in refused("rerank", "electric", *lists(**changes))
    for flags, said in (
        ([], "give --dev FILE, --test FILE or both"),
        (["--test", test, "--metric", "wer"], "lambda is chosen on dev lists"),
        (["--dev", dev], "lambda is chosen on dev lists"),
        (["--dev", dev, "--test", dev, "--metric", "wer"], "are the same file"),
        (["--dev", dev, "--gin.runs.rerank.weight=-1"], "expected float of at least 0"),
        (["--dev", tmp_path / "no", "--metric", "wer"], str(tmp_path / "no")),
        (["--dev", dev, "--metric", "wer", "--output", dev], "would replace the input"),
        (["--dev", dev, "--metric", "wer", "--output", "-", "--json"], "both print to"),
    ):
        assert said in refused("rerank", "electric", *flags)
    for weight in ("nan", "-1", "much"):
        argv = ["rerank", str(runs["mlm"]), "--dev", str(dev), "--lambda", weight]
        assert main(argv) == 2
        assert "--lambda: must be a finite number >= 0" in capsys.readouterr().err
    said = refused("rerank", "electra_tt", "--dev", dev, "--metric", "wer", ELECTRA)
    assert "is not trained to score texts" in said
