"""Every case of onnx.backend.test through compiled code, against the list of those that pass (onnxsuite.txt)."""
import unittest
from unittest import mock

import onnxsuite
from onnxsuite import FAIL, PASS, REFUSED, Case, Verdict


class ONNXSuite(unittest.TestCase):
    def test_onnx_suite(self):
        cases = onnxsuite.collect()
        verdicts = onnxsuite.run_cases(cases)
        onnxsuite.summarize(cases, verdicts)
        faults = list(onnxsuite.compare_with_list(cases, verdicts))
        self.assertEqual([], faults, "\n" + "\n".join(faults))

    def test_what_is_a_fault(self):
        def faults(kind, listed):
            case = Case("node", "test_a", None, None, 0, 0)
            with mock.patch.object(onnxsuite, "read_list", lambda: {"test_a"} if listed else set()):
                return len(list(onnxsuite.compare_with_list([case], [Verdict(kind, "why", [])])))

        self.assertEqual([0, 1, 1], [faults(kind, listed=True) for kind in (PASS, REFUSED, FAIL)])
        self.assertEqual([1, 0, 1], [faults(kind, listed=False) for kind in (PASS, REFUSED, FAIL)])
        with mock.patch.object(onnxsuite, "read_list", lambda: {"test_gone"}):
            self.assertEqual(1, len(list(onnxsuite.compare_with_list([], []))))


if __name__ == "__main__":
    unittest.main()
