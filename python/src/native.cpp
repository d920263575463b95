//===- native.cpp - the C API for Python ----------------------------------===//
//
// Thin: every check that has to do with Python's types is made in the package,
// every other in the C API.
//
//===----------------------------------------------------------------------===//
#include "dyadic-c/Dyadic.h"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace nb = nanobind;

using Array = nb::ndarray<nb::ro, nb::device::cpu, nb::c_contig>;
using OutputArray = nb::ndarray<nb::device::cpu, nb::c_contig>;
/// Name, shape, element type's name, scale (0: none), zero point, the open dimension (-1: none)
/// and its extents.
using TensorTuple = std::tuple<std::string, std::vector<int64_t>, std::string, float, int32_t,
                               int64_t, std::vector<int64_t>>;
/// Severity, location, message.
using DiagnosticTuple = std::tuple<std::string, std::string, std::string>;

static DyadicStringRef toRef(const std::string &text) { return {text.data(), text.size()}; }
static std::string toString(DyadicStringRef text) {
  return text.length ? std::string(text.data, text.length) : std::string();
}

namespace {
/// The diagnostics of one call.
class Report {
public:
  DyadicReporter reporter() { return {&Report::add, this}; }
  std::vector<DiagnosticTuple> take() { return std::move(diagnostics); }

private:
  static void add(DyadicSeverity severity, DyadicStringRef location, DyadicStringRef message,
                  void *userData) {
    static const char *const names[] = {"note", "warning", "error", "remark"};
    static_cast<Report *>(userData)->diagnostics.emplace_back(names[severity], toString(location),
                                                              toString(message));
  }
  std::vector<DiagnosticTuple> diagnostics;
};

/// A C++ exception that becomes Python's NativeError(result, diagnostics).
struct Failure {
  int result;
  std::vector<DiagnosticTuple> diagnostics;
};

void check(DyadicResult result, Report &report) {
  if (result != DyadicResultDone)
    throw Failure{int(result), report.take()};
}

DyadicElementType elementTypeOf(nb::dlpack::dtype type) {
  for (int i = DyadicElementTypeBool; i <= DyadicElementTypeF16; ++i) {
    auto candidate = static_cast<DyadicElementType>(i);
    std::string name = toString(dyadicElementTypeGetName(candidate));
    auto code = candidate == DyadicElementTypeBool ? nb::dlpack::dtype_code::Bool
                : name[0] == 'u'                   ? nb::dlpack::dtype_code::UInt
                : name[0] == 'i'                   ? nb::dlpack::dtype_code::Int
                                                   : nb::dlpack::dtype_code::Float;
    if (type.lanes == 1 && type.code == uint8_t(code) &&
        type.bits == 8 * dyadicElementTypeGetSize(candidate))
      return candidate;
  }
  throw nb::type_error("an element type that dyadic does not know");
}

TensorTuple describe(const DyadicTensorInfo &info, size_t lengths) {
  return {toString(info.name), std::vector<int64_t>(info.shape, info.shape + info.rank),
          toString(dyadicElementTypeGetName(info.type)), info.scale, info.zeroPoint, info.openDim,
          info.extents ? std::vector<int64_t>(info.extents, info.extents + lengths)
                       : std::vector<int64_t>()};
}

size_t countLengths(DyadicInterface interface) {
  DyadicLengths lengths = dyadicInterfaceGetLengths(interface);
  return lengths.step ? (lengths.longest - lengths.shortest) / lengths.step + 1 : 0;
}

std::vector<TensorTuple> inputsOf(DyadicInterface interface) {
  std::vector<TensorTuple> tensors;
  for (size_t i = 0; i < dyadicInterfaceGetNumInputs(interface); ++i)
    tensors.push_back(describe(dyadicInterfaceGetInput(interface, i), countLengths(interface)));
  return tensors;
}

std::vector<TensorTuple> outputsOf(DyadicInterface interface) {
  std::vector<TensorTuple> tensors;
  for (size_t i = 0; i < dyadicInterfaceGetNumOutputs(interface); ++i)
    tensors.push_back(describe(dyadicInterfaceGetOutput(interface, i), countLengths(interface)));
  return tensors;
}

class Program {
public:
  explicit Program(DyadicProgram program) : program(program) {}
  Program(const Program &) = delete;
  ~Program() { dyadicProgramDestroy(program); }

  static Program *open(const std::string &path) {
    Report report;
    DyadicProgram program;
    check(dyadicProgramOpen(toRef(path), report.reporter(), &program), report);
    return new Program(program);
  }

  DyadicInterface interface() const { return dyadicProgramGetInterface(program); }

  void run(const std::vector<Array> &inputs, const std::vector<OutputArray> &outputs) const {
    std::vector<DyadicInputBuffer> from;
    std::vector<DyadicOutputBuffer> to;
    for (const Array &array : inputs)
      from.push_back({array.data(), array.nbytes()});
    for (const OutputArray &array : outputs)
      to.push_back({array.data(), array.nbytes()});
    Report report;
    DyadicResult result;
    {
      nb::gil_scoped_release release;
      result = dyadicProgramRun(program, from.size(), from.data(), to.size(), to.data(),
                                {nullptr, 0}, report.reporter());
    }
    check(result, report);
  }

private:
  DyadicProgram program;
};

class Model {
public:
  Model(DyadicModel model, std::vector<DiagnosticTuple> diagnostics)
      : diagnostics(std::move(diagnostics)), model(model) {}
  Model(const Model &) = delete;
  ~Model() { dyadicModelDestroy(model); }

  DyadicInterface interface() const { return dyadicModelGetInterface(model); }
  DyadicModel get() const { return model; }

  void write(const std::string &path) const {
    Report report;
    DyadicResult result;
    {
      nb::gil_scoped_release release;
      result = dyadicModelWrite(model, toRef(path), report.reporter());
    }
    check(result, report);
  }

  Program *load() const {
    Report report;
    DyadicProgram program;
    DyadicResult result;
    {
      nb::gil_scoped_release release;
      result = dyadicModelLoad(model, report.reporter(), &program);
    }
    check(result, report);
    return new Program(program);
  }

  std::vector<std::tuple<std::string, std::string, std::string>> floatOps() const {
    std::vector<std::tuple<std::string, std::string, std::string>> ops;
    for (size_t i = 0; i < dyadicModelGetNumFloatOps(model); ++i) {
      DyadicFloatOp op = dyadicModelGetFloatOp(model, i);
      ops.emplace_back(toString(op.name), toString(op.kind), toString(op.reason));
    }
    return ops;
  }

  const std::vector<DiagnosticTuple> diagnostics;

private:
  DyadicModel model;
};

/// An options handle that is destroyed.
struct Options {
  DyadicOptions handle = dyadicOptionsCreate();
  Options() = default;
  Options(const Options &) = delete;
  ~Options() { dyadicOptionsDestroy(handle); }
};

/// Layout, resize, scale, mean, std, blue first.
using Images = std::tuple<int, int, float, std::vector<float>, std::vector<float>, bool>;

Model *compileModel(const std::string &model, std::optional<nb::bytes> bytes,
                    const std::string &name, const std::string &triple, const std::string &cpu,
                    bool cpuFallback, unsigned optLevel, int64_t threads,
                    const std::vector<std::tuple<std::string, std::vector<int64_t>>> &shapes,
                    const std::vector<std::tuple<std::string, size_t, int64_t, int64_t>> &open,
                    const std::vector<std::tuple<std::string, Array>> &values,
                    const std::vector<std::string> &keepFloat,
                    const std::vector<std::string> &weights,
                    const std::vector<std::string> &activations,
                    const std::string &overrides, const std::string &roundWeights, bool integerOnly,
                    const std::string &scheme, const std::string &observer,
                    std::optional<std::string> calibrationPath,
                    const std::vector<std::tuple<std::string, Array>> &arrays,
                    const std::optional<Images> &images) {
  Options options;
  dyadicOptionsSetName(options.handle, toRef(name));
  dyadicOptionsSetTarget(options.handle, toRef(triple), toRef(cpu));
  dyadicOptionsSetCPUFallback(options.handle, cpuFallback);
  dyadicOptionsSetOptimizationLevel(options.handle, optLevel);
  dyadicOptionsSetThreads(options.handle, threads);
  dyadicOptionsSetScheme(options.handle, toRef(scheme));
  dyadicOptionsSetObserver(options.handle, toRef(observer));
  for (auto &[input, shape] : shapes)
    dyadicOptionsSetShape(options.handle, toRef(input), shape.size(), shape.data());
  for (auto &[input, dim, shortest, step] : open)
    dyadicOptionsSetOpenDimension(options.handle, toRef(input), dim, shortest, step);
  for (auto &[input, array] : values)
    dyadicOptionsSetValue(options.handle, toRef(input), elementTypeOf(array.dtype()), array.ndim(),
                          array.shape_ptr(), array.data(), array.nbytes());
  for (const std::string &op : keepFloat)
    dyadicOptionsAddKeepFloat(options.handle, toRef(op));
  for (const std::string &choice : weights)
    dyadicOptionsAddWeights(options.handle, toRef(choice));
  for (const std::string &choice : activations)
    dyadicOptionsAddActivations(options.handle, toRef(choice));
  dyadicOptionsSetOverrides(options.handle, toRef(overrides));
  dyadicOptionsSetWeightRounding(options.handle, toRef(roundWeights));
  dyadicOptionsSetIntegerOnly(options.handle, integerOnly);
  if (calibrationPath)
    dyadicOptionsSetCalibrationPath(options.handle, toRef(*calibrationPath));
  for (auto &[input, array] : arrays)
    dyadicOptionsAddCalibrationArray(options.handle, toRef(input), elementTypeOf(array.dtype()),
                                     array.ndim(), array.shape_ptr(), array.data(),
                                     array.nbytes());
  if (images) {
    auto &[layout, resize, scale, mean, std, bgr] = *images;
    dyadicOptionsSetImages(options.handle, DyadicImageLayout(layout), DyadicImageResize(resize),
                           scale, mean.size(), mean.data(), std.size(), std.data(), bgr);
  }
  Report report;
  DyadicModel compiled;
  DyadicResult result;
  const void *data = bytes ? bytes->c_str() : nullptr;
  size_t length = bytes ? bytes->size() : 0;
  {
    nb::gil_scoped_release release;
    result = data ? dyadicCompileMemory(data, length, toRef(model), options.handle,
                                        report.reporter(), &compiled)
                  : dyadicCompileFile(toRef(model), options.handle, report.reporter(), &compiled);
  }
  check(result, report);
  return new Model(compiled, report.take());
}
} // namespace

NB_MODULE(_native, m) {
  m.doc() = "Dyadic's C API. Use the package dyadic, which checks and explains.";
  // Made here so that whoever catches it needs nothing but this module.
  // Never freed: exceptions may be translated as long as there is an interpreter.
  static PyObject *nativeError =
      PyErr_NewException("dyadic._native.NativeError", PyExc_Exception, nullptr);
  m.attr("NativeError") = nb::borrow(nativeError);
  nb::register_exception_translator([](const std::exception_ptr &pointer, void *) {
    try {
      std::rethrow_exception(pointer);
    } catch (const Failure &failure) {
      nb::tuple arguments = nb::make_tuple(failure.result, nb::cast(failure.diagnostics));
      PyErr_SetObject(nativeError, arguments.ptr());
    }
  });
  m.def("version", [] { return toString(dyadicGetVersion()); });

  nb::class_<Program>(m, "Program")
      .def_static("open", &Program::open, nb::arg("path"))
      .def("run", &Program::run, nb::arg("inputs"), nb::arg("outputs"))
      .def_prop_ro("name",
                   [](const Program &p) { return toString(dyadicInterfaceGetName(p.interface())); })
      .def_prop_ro("inputs", [](const Program &p) { return inputsOf(p.interface()); })
      .def_prop_ro("outputs", [](const Program &p) { return outputsOf(p.interface()); })
      .def_prop_ro("arena_bytes",
                   [](const Program &p) { return dyadicInterfaceGetArenaBytes(p.interface()); })
      .def_prop_ro("weight_bytes",
                   [](const Program &p) { return dyadicInterfaceGetWeightBytes(p.interface()); });

  nb::class_<Model>(m, "Model")
      .def("write", &Model::write, nb::arg("path"))
      .def("load", &Model::load)
      .def_ro("diagnostics", &Model::diagnostics)
      .def_prop_ro("name",
                   [](const Model &x) { return toString(dyadicInterfaceGetName(x.interface())); })
      .def_prop_ro("inputs", [](const Model &x) { return inputsOf(x.interface()); })
      .def_prop_ro("outputs", [](const Model &x) { return outputsOf(x.interface()); })
      .def_prop_ro("arena_bytes",
                   [](const Model &x) { return dyadicInterfaceGetArenaBytes(x.interface()); })
      .def_prop_ro("weight_bytes",
                   [](const Model &x) { return dyadicInterfaceGetWeightBytes(x.interface()); })
      .def_prop_ro("triple", [](const Model &x) { return toString(dyadicModelGetTriple(x.get())); })
      .def_prop_ro("cpu", [](const Model &x) { return toString(dyadicModelGetCPU(x.get())); })
      .def_prop_ro("level", [](const Model &x) { return toString(dyadicModelGetLevel(x.get())); })
      .def_prop_ro("integer_ops",
                   [](const Model &x) { return dyadicModelGetNumIntegerOps(x.get()); })
      .def_prop_ro("samples", [](const Model &x) { return dyadicModelGetNumSamples(x.get()); })
      .def_prop_ro("float_ops", &Model::floatOps);

  m.def("compile", &compileModel, nb::arg("model"), nb::arg("bytes").none(), nb::arg("name"),
        nb::arg("triple"), nb::arg("cpu"), nb::arg("cpu_fallback"), nb::arg("opt_level"),
        nb::arg("threads"), nb::arg("shapes"), nb::arg("open"), nb::arg("values"),
        nb::arg("keep_float"), nb::arg("weights"), nb::arg("activations"), nb::arg("overrides"),
        nb::arg("round_weights"), nb::arg("integer_only"), nb::arg("scheme"), nb::arg("observer"), nb::arg("calibration_path").none(),
        nb::arg("arrays"), nb::arg("images").none());
}
