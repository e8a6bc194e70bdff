"""The checks of the project on the versions that it declares; ``nox -l`` lists them.

    pip install -e ".[dev]"
    nox -s oldest

What follows ``--`` goes to pytest: ``nox -s oldest -- tests/metrics``.
"""

import shutil
from hashlib import sha256
from pathlib import Path

import nox
from packaging.requirements import Requirement

nox.needs_version = ">=2025.2.9"
nox.options.reuse_venv = "yes"

PYPROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PYPROJECT)
SITE = "docs/_build/html"


def lower_bounds(*extras: str) -> list[str]:
    """Pin what the project and some of its extras need to the oldest version they accept."""
    project = PYPROJECT["project"]
    needed = [*project["dependencies"]]
    for extra in extras:
        needed += project["optional-dependencies"][extra]
    return [
        f"{requirement.name}=={bound.version}"
        for requirement in map(Requirement, needed)
        for bound in requirement.specifier
        if bound.operator == ">="
    ]


def run_tests(session: nox.Session, *command: str) -> None:
    """Say which versions are installed, and run the tests on them."""
    session.run("python", "-c", "import skmlclf; skmlclf.show_versions()")
    session.run(*(command or ("pytest", "-n", "2")), *session.posargs)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests on each Python that is found here."""
    session.install("-e", ".[test]")
    run_tests(session)


@nox.session(python=PYTHONS[0])
def lint(session: nox.Session) -> None:
    """Run the linter, the formatter and the type checker."""
    session.install("-e", ".[test]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")


@nox.session(python=PYTHONS[0], default=False)
def oldest(session: nox.Session) -> None:
    """Run the tests on the oldest declared version of Python and of every dependency."""
    session.install("-e", ".[test]", *lower_bounds("test"))
    run_tests(session)


@nox.session(python=PYTHONS[-1], default=False)
def newest(session: nox.Session) -> None:
    """Run the tests on the newest declared Python and the newest releases, exports included."""
    session.install("--upgrade", "-e", ".[test,onnx,litert]")
    run_tests(session)


@nox.session(python=PYTHONS[-1], default=False)
def prerelease(session: nox.Session) -> None:
    """Run the tests on the newest releases and pre-releases."""
    session.install("--upgrade", "--pre", "-e", ".[test]")
    run_tests(session)


@nox.session(python=PYTHONS[0], default=False)
def coverage(session: nox.Session) -> None:
    """Measure which lines of the package the tests run; fails below 95 %."""
    session.install("-e", ".[test,onnx,litert]", "pytest-cov")
    run_tests(session, "pytest", "-n", "2", "--cov", "--cov-report=term")


@nox.session(python=PYTHONS[0], default=False)
def docs(session: nox.Session) -> None:
    """Build the site with its gallery, warnings being errors, and follow its links."""
    session.install("-e", ".[docs]")
    session.run("sphinx-build", "-W", "--keep-going", "docs", SITE, *session.posargs)
    session.run("pytest", "tests/test_site.py", env={"SKMLCLF_SITE": SITE})


@nox.session(python=PYTHONS[0], default=False)
def package(session: nox.Session) -> None:
    """Build wheel and sdist twice, compare them, and try the wheel in an empty environment."""
    session.install("build", "twine")
    env = {"SOURCE_DATE_EPOCH": last_commit(session)}
    hashes = []
    for folder in (session.create_tmp(), "dist"):
        shutil.rmtree(folder, ignore_errors=True)
        session.run("python", "-m", "build", "--outdir", folder, env=env)
        built = sorted(Path(folder).iterdir())
        hashes.append({path.name: sha256(path.read_bytes()).hexdigest() for path in built})
    if hashes[0] != hashes[1]:
        session.error(f"two builds differ: {hashes}")
    session.run("twine", "check", "--strict", *map(str, built))
    [wheel] = (path for path in built if path.suffix == ".whl")
    session.log(f"{wheel.name}: {wheel.stat().st_size / 1024:.0f} KiB")

    empty = Path(session.create_tmp(), "empty").resolve()
    session.run("python", "-m", "venv", "--clear", str(empty))
    python = str(empty / "bin" / "python")
    session.run(python, "-m", "pip", "install", "--quiet", str(wheel), external=True)
    # Away from the repository, whose folder would be imported instead.
    trial = Path("tests/try_wheel.py").resolve()
    with session.chdir(empty):
        session.run(python, "-m", "skmlclf", "--version", external=True)
        session.run(python, str(trial), external=True)


def last_commit(session: nox.Session) -> str:
    """Return the time of the last commit, from which the files of a package have theirs."""
    return str(session.run("git", "log", "-1", "--format=%ct", external=True, silent=True)).strip()


@nox.session(python=PYTHONS[0], default=False)
def benchmarks(session: nox.Session) -> None:
    """Compare the speed with the peers' or an earlier run; see ``tests/benchmarks/run.py``."""
    session.install("-e", ".[test]")
    session.run("python", "tests/benchmarks/run.py", *session.posargs)
