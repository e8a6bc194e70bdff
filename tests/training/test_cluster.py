import json

import pytest

from skmlclf.training._cluster import Cluster, read_cluster


def config(cluster, task):
    return json.dumps({"cluster": cluster, "task": task})


def worker(index):
    return {"type": "worker", "index": index}


TWO = {"worker": ["a:1", "b:2"]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (config(TWO, worker(1)), Cluster(("a:1", "b:2"), 1)),
        (config({**TWO, "chief": ["c:3"]}, worker(1)), Cluster(("c:3", "a:1", "b:2"), 2)),
        (
            config({**TWO, "chief": ["c:3"]}, {"type": "chief", "index": 0}),
            Cluster(("c:3", "a:1", "b:2"), 0),
        ),
    ],
)
def test_who_trains_together_is_read(text, expected, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", text)
    assert read_cluster() == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not set"),
        ("{worker", "no JSON"),
        ("[1]", "no cluster"),
        (json.dumps({"task": worker(0)}), "no cluster"),
        (config({}, worker(0)), "no workers"),
        (config({"worker": "a:1"}, worker(0)), "list of addresses"),
        (config({"worker": ["a"]}, worker(0)), "host:port"),
        (config({"worker": ["a:1", "b:99999"]}, worker(0)), "host:port"),
        (config({"worker": ["a:1", 7]}, worker(0)), "host:port"),
        (config({"worker": ["a:1", "a:1"]}, worker(0)), "more than once"),
        (config({"chief": ["a:1", "b:1"]}, {"type": "chief", "index": 0}), "2 chiefs"),
        (config({**TWO, "ps": ["c:1"]}, worker(0)), "'ps'"),
        (json.dumps({"cluster": TWO}), "a type"),
        (config(TWO, {"type": "evaluator", "index": 0}), "a type"),
        (config(TWO, {"type": ["worker"], "index": 0}), "a type"),
        (config(TWO, {"type": "worker"}), "from 0 to 1"),
        (config(TWO, worker(2)), "from 0 to 1"),
        (config(TWO, worker(-1)), "from 0 to 1"),
        (config(TWO, worker("0")), "from 0 to 1"),
        (config(TWO, worker(True)), "from 0 to 1"),
    ],
)
def test_what_cannot_be_used_is_refused(text, words, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ValueError, match="TF_CONFIG") as raised:
        read_cluster()
    assert words in str(raised.value)
