from pathlib import Path

import pytest

from skmlclf.cli._outputs import check_file, check_report_folder


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("/", "expected a file"),
        ("nowhere/results.json", "no folder nowhere"),
        ("/proc/results.json", "cannot be written"),
        ("/dev/full", "No space left"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused(file, message):
    with pytest.raises(ValueError, match=f"^--json {file}: .*{message}"):
        check_file("--json", Path(file))


def test_a_file_is_left_as_it_is(tmp_path):
    check_file("--json", tmp_path / "new.json")
    assert list(tmp_path.iterdir()) == []
    old = tmp_path / "old.json"
    old.write_text("kept")
    check_file("--json", old)
    assert old.read_text() == "kept"
    check_file("--json", Path("/dev/null"))


@pytest.mark.parametrize("folder", ["/proc", "/proc/new/folder", "/dev/null/report", "x" * 300])
def test_a_folder_that_cannot_be_written_is_refused(folder):
    with pytest.raises(ValueError, match=r"^--report .*(cannot be written|expected a folder)"):
        check_report_folder("--report", Path(folder))


def test_a_folder_is_not_made_yet(tmp_path):
    check_report_folder("--report", tmp_path / "some" / "report")
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="expected a folder"):
        check_report_folder("--report", tmp_path / "file")


def test_a_report_needs_matplotlib(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match="pip install matplotlib"):
        check_report_folder("--report", tmp_path)
