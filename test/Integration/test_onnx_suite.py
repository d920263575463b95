"""Every case of onnx.backend.test through compiled code, against the list of those that pass (onnxsuite.txt)."""
import unittest

import onnxsuite
from onnxsuite import PASS


class ONNXSuite(unittest.TestCase):
    def test_onnx_suite(self):
        cases = onnxsuite.collect()
        listed = onnxsuite.read_list()
        verdicts = onnxsuite.run_cases(cases)
        onnxsuite.summarize(cases, verdicts)
        faults = []
        for case, verdict in zip(cases, verdicts):
            if case.name in listed and verdict.kind != PASS:
                faults.append(f"{case.name}: {verdict.why}")
        gone = listed - {case.name for case in cases}
        faults += [f"{name} is on the list, but onnx.backend.test has no such case" for name in sorted(gone)]
        self.assertEqual([], faults, "\n" + "\n".join(faults))


if __name__ == "__main__":
    unittest.main()
