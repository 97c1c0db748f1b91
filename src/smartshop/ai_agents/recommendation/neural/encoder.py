"""Runs exported graphs with ONNX Runtime: one session each, made when it is first asked, shared by all threads."""

import importlib.util
import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

MISSING = "the self-attentive source needs ONNX Runtime; install smartshop[onnx]"


def can_encode() -> bool:
    """Whether ONNX Runtime is installed; it is not imported for that."""
    return importlib.util.find_spec("onnxruntime") is not None


class Session:
    """`model`: a serialised ONNX graph with one output."""

    def __init__(self, model: bytes) -> None:
        self.model = model
        self._lock = threading.Lock()
        self._session: Any = None
        """Any: ONNX Runtime ships no types for it."""

    def run(self, inputs: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Any: as the graph says."""
        session = self._session or self._open()
        (found,) = session.run(None, inputs)
        return np.asarray(found, np.float32)

    def _open(self) -> Any:  # noqa: ANN401  # ONNX Runtime ships no types for it
        with self._lock:
            if self._session is None:
                import onnxruntime  # an extra; half a second to import, which only the first list pays

                options = onnxruntime.SessionOptions()
                # A list is drawn beside others on few cores: threads of its own would only wait for each other.
                options.intra_op_num_threads = options.inter_op_num_threads = 1
                options.log_severity_level = 3
                providers = ["CPUExecutionProvider"]
                self._session = onnxruntime.InferenceSession(self.model, options, providers=providers)
            return self._session


class Encoder:
    """`model`: a serialised ONNX graph from `signs` to `wanted`, see `export`."""

    def __init__(self, model: bytes) -> None:
        self._session = Session(model)

    @property
    def model(self) -> bytes:
        return self._session.model

    def wanted(self, signs: NDArray[np.float32]) -> NDArray[np.float32]:
        """(width,) what comes next after these signs, (n, width), 1 ≤ n ≤ max_history; see `export`."""
        found: NDArray[np.float32] = self._session.run({"signs": signs})[0]
        return found
