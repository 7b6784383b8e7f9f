"""A function of the user's own that returns a network: `package.module:factory`."""

import re
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from edge_export.capture.interface import Captured, SourceOptions
from edge_export.capture.module_source import capture_module, check_weights_file, load_into
from edge_export.capture.preprocess_spec import ImageInput, read_preprocessing
from edge_runtime.errors import InputError

if TYPE_CHECKING:
    from torch import nn

_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def recognizes_factory(source: str) -> bool:
    """Tell whether `source` looks like `package.module:factory`."""
    return bool(_NAME.fullmatch(source))


def capture_factory(source: str, options: SourceOptions) -> Captured:
    """Call the factory without arguments, load the weights where some are named, and bring the module to ONNX.

    The module is imported as Python would from the working directory, so this runs the user's code.

    Raises:
        InputError: it cannot be imported, or gives no module that takes images.
        RefusedError: the graph does not answer as the module does.
    """
    module = _call(source)
    provenance = {"source": "factory", "architecture": type(module).__name__}
    if options.weights:
        provenance["weights_sha256"] = load_into(module, check_weights_file(source, options.weights))
    contract = read_preprocessing(options.preprocessing, ImageInput())
    return capture_module(source, module, contract, options, provenance)


def _call(source: str) -> "nn.Module":
    from torch import nn

    package, _, name = source.partition(":")
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        made = getattr(import_module(package), name)()
    except Exception as error:  # the user's own code raises whatever it likes
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(
            f"{source}: {type(error).__name__}: {reason}; {name} must be a function of {package}, importable from "
            f"{here}, that takes no arguments"
        ) from error
    finally:
        sys.path.remove(here)
    if not isinstance(made, nn.Module):
        raise InputError(f"{source}: gave a {type(made).__name__}; a torch.nn.Module is expected")
    return made.eval()
