"""Builds or tests the connector in the current folder, whose world is in `wit/` and whose code is in `src/`:

    python3 ../sdk-python/tools/plugin.py build main build/name.wasm
    python3 ../sdk-python/tools/plugin.py test

The build is this command of componentize-py:

    componentize-py -d wit -w connector componentize main -p src -p ../sdk-python -o build/name.wasm
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

SDK = Path(__file__).resolve().parent.parent
TOOL = "componentize-py"


def tool():
    """componentize-py: the one on the PATH, else the one that `cargo xtask` keeps."""
    folder = "Scripts" if os.name == "nt" else "bin"
    kept = SDK.parent.parent / "target" / "python" / folder
    found = shutil.which(TOOL) or shutil.which(TOOL, path=str(kept))
    if found is None:
        requirements = SDK / "requirements.txt"
        sys.exit(f"{TOOL} is not installed; make a virtual environment and run: pip install -r {requirements}")
    return found


def build(module, output):
    Path(output).parent.mkdir(parents=True, exist_ok=True)
    world = ["-q", "-d", "wit", "-w", "connector"]
    subprocess.run([tool(), *world, "componentize", module, "-p", "src", "-p", str(SDK), "-o", output], check=True)
    print(f"{output}: {Path(output).stat().st_size} bytes")


def test():
    """Runs `tests/` and those of the SDK natively, with the classes of the contract in `build/bindings`."""
    bindings = Path("build/bindings")
    shutil.rmtree(bindings, ignore_errors=True)
    subprocess.run([tool(), "-q", "-d", "wit", "-w", "connector", "bindings", str(bindings)], check=True)
    paths = os.pathsep.join(["src", str(SDK), str(bindings)])
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    for tests in ["tests", str(SDK / "tests")]:
        subprocess.run([sys.executable, "-m", "unittest", "discover", "-s", tests], env=environment, check=True)


match sys.argv[1:]:
    case ["build", module, output]:
        build(module, output)
    case ["test"]:
        test()
    case _:
        sys.exit(__doc__)
