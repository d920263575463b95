//===- Header.cpp ---------------------------------------------------------===//
#include "dyadic/Emit/Header.h"

#include "dyadic/Target/Target.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace dyadic {

static StringRef cType(ElementKind kind) {
  static constexpr llvm::StringLiteral types[] = {
      "uint8_t", "uint8_t", "int8_t", "int16_t",
      "int32_t", "int64_t", "float",  "double",
      "uint16_t", "uint32_t", "uint64_t", "uint16_t", "uint16_t"};
  return types[static_cast<int>(kind)];
}

/// Parameter names: identifiers that differ from each other and from C's words.
static std::vector<std::string> parameterNames(const ProgramInfo &info) {
  llvm::StringSet<> taken;
  for (StringRef word :
       {"arena", "auto", "break", "case", "char", "const", "continue",
        "default", "do", "double", "else", "enum", "extern", "float", "for",
        "goto", "if", "inline", "int", "long", "register", "restrict", "return",
        "short", "signed", "sizeof", "static", "stream", "struct", "switch", "typedef",
        "union", "unsigned", "void", "volatile", "while", "bool", "class",
        "new", "delete", "this", "template", "operator", "private", "public",
        "protected", "namespace", "using", "virtual", "and", "or", "not"})
    taken.insert(word);
  std::vector<std::string> names;
  for (const auto *list : {&info.inputs, &info.outputs})
    for (const TensorInfo &tensor : *list) {
      std::string name = toIdentifier(tensor.name), candidate = name;
      for (int i = 2; !taken.insert(StringRef(candidate).lower()).second; ++i)
        candidate = name + "_" + std::to_string(i);
      names.push_back(candidate);
    }
  return names;
}

static std::string shapeText(const TensorInfo &tensor) {
  std::string text;
  for (int64_t extent : tensor.shape)
    text += "[" + std::to_string(extent) + "]";
  return text;
}

/// A float literal that reads back as the same float.
static std::string floatText(float value) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << llvm::format("%.9g", value);
  if (text.find_first_of(".e") == std::string::npos)
    text += ".0";
  return text + "f";
}

/// A name as it came from the model, which may try to end the comment it is in.
static std::string inComment(StringRef text) {
  std::string result;
  for (char c : text)
    result += llvm::isPrint(c) && c != '*' ? c : '?';
  return result;
}

static void writeTensorMacros(llvm::raw_ostream &os, StringRef prefix,
                              const TensorInfo &tensor, StringRef role) {
  os << llvm::formatv("/* {0} '{1}': {2} {3}", role, inComment(tensor.name),
                      cType(tensor.kind), shapeText(tensor));
  if (tensor.kind == ElementKind::F16 || tensor.kind == ElementKind::BF16)
    os << ", the bits of " << name(tensor.kind);
  if (tensor.scale && tensor.kind == ElementKind::F32)
    os << "; inside, steps of the scale from the zero point";
  os << " */\n";
  os << llvm::formatv("#define {0}_SIZE {1} /* elements */\n", prefix,
                      tensor.numElements());
  os << llvm::formatv("#define {0}_BYTES {1}\n", prefix, tensor.numBytes());
  os << llvm::formatv("#define {0}_RANK {1}\n", prefix, tensor.shape.size());
  for (auto [i, extent] : llvm::enumerate(tensor.shape))
    os << llvm::formatv("#define {0}_DIM{1} {2}\n", prefix, i, extent);
  if (tensor.scale) {
    os << llvm::formatv("#define {0}_SCALE {1}\n", prefix,
                        floatText(*tensor.scale));
    os << llvm::formatv("#define {0}_ZERO_POINT {1}\n", prefix, tensor.zeroPoint);
  }
  os << "\n";
}

/// "const float *x, float *y, "
static std::string parameterList(const ProgramInfo &info,
                                 ArrayRef<std::string> names) {
  std::string text;
  llvm::raw_string_ostream os(text);
  size_t next = 0;
  for (const TensorInfo &tensor : info.inputs)
    os << "const " << cType(tensor.kind) << " *" << names[next++] << ", ";
  for (const TensorInfo &tensor : info.outputs)
    os << cType(tensor.kind) << " *" << names[next++] << ", ";
  return text;
}

/// What a program for a GPU says of `<name>_run`, and declares besides.
static void writeGPUFunctions(llvm::raw_ostream &os, const ProgramInfo &info,
                              StringRef parameters, bool hasFallback) {
  os << llvm::formatv(R"(/* Runs the model once on dense row-major arrays of the host.
 *
 * The first run opens the driver, loads the code and copies the weights, which
 * takes a moment; {0}_gpu_init does it at a better time. The arrays must not
 * overlap. {1}
 * Calls may come from any thread and follow each other on the GPU. A fault
 * calls the handler below; without one it is printed and ends the program.
 */
)",
                      info.name,
                      hasFallback
                          ? "The arena is used when the processor stands in "
                            "for a GPU."
                          : "The arena is not used and may be null.");
  os << "void " << info.name << "_run(" << parameters << "void *arena);\n\n";
  os << llvm::formatv(R"(/* The same without waiting, in the order of `stream`: a CUstream or cudaStream_t of
 * the device's primary context, null for the default one. The arrays may be in
 * the host's memory or the device's; they are read and written when the stream
 * gets there. Runs of one model never overlap, whatever their streams. Returns 0,
 * or the fault, whose text {0}_gpu_error has.{2} */
int {0}_run_async({1}void *stream);

/* Makes everything ready: driver, device, code, weights and memory. The device is
 * that of the calling thread's CUDA context if it has one, else the first. Returns
 * 0 when runs will work{3}, else the fault; {0}_gpu_error says why there is no
 * GPU. */
int {0}_gpu_init(void);

/* What went wrong last, or "". */
const char *{0}_gpu_error(void);

/* Has `handler` called when {0}_run fails: there are no outputs then. */
void {0}_gpu_on_failure(void (*handler)(const char *error));

/* Waits for runs and gives all memory back. The next run starts anew. */
void {0}_gpu_close(void);

)",
                      info.name, parameters,
                      hasFallback ? " The processor\n * doesn't stand in here."
                                  : "",
                      hasFallback ? ", on the processor if need be" : "");
}

std::string makeHeader(const ProgramInfo &info, const TargetInfo &target,
                       bool hasFallback, ArrayRef<std::string> variants,
                       int64_t threads) {
  bool isGPU = target.target && target.target->isGPU();
  std::string text;
  llvm::raw_string_ostream os(text);
  std::string upper = StringRef(info.name).upper();
  std::vector<std::string> names = parameterNames(info);
  ArrayRef<std::string> inputs = ArrayRef(names).take_front(info.inputs.size());
  ArrayRef<std::string> outputs = ArrayRef(names).drop_front(info.inputs.size());

  auto typeOf = [](const std::vector<TensorInfo> &tensors) {
    return tensors.empty() ? StringRef("float") : cType(tensors.front().kind);
  };
  StringRef inputType = typeOf(info.inputs), outputType = typeOf(info.outputs);
  std::string between = inputType == outputType
                            ? ", "
                            : ";\n *   static " + outputType.str() + " ";
  // The example shows the first of each.
  StringRef input = inputs.empty() ? "input" : StringRef(inputs.front());
  StringRef output = outputs.empty() ? "output" : StringRef(outputs.front());
  os << llvm::formatv(R"(/* The model '{0}', compiled by dyadic for {1} ({2}).
 *
 *   static {10} {3}[{4}_{5}_SIZE]{11}{6}[{4}_{7}_SIZE];
 *   void *arena = aligned_alloc({4}_ARENA_ALIGNMENT, {4}_ARENA_BYTES);
 *   {0}_run({8}, arena);
 *
 * {9}
 */
)",
                      info.name, target.triple,
                      variants.empty() ? target.level : llvm::join(variants, ", "),
                      input,
                      upper, input.upper(), output, output.upper(),
                      llvm::join(names, ", "),
                      isGPU ? std::string("Needs an NVIDIA GPU and its driver, opened when "
                              "first used (link with\n * -ldl -lpthread where "
                              "libc is older than glibc 2.34).")
                            : std::string(threads > 1
                                              ? "Link with -lm and an OpenMP "
                                                "runtime (-lgomp or -lomp), whose "
                                                "threads share\n * each call. "
                                                "Nothing else is allocated or kept "
                                                "between calls."
                                              : "Link with -lm. Nothing is "
                                                "allocated, nothing is kept "
                                                "between calls.") +
                                  std::string(variants.empty()
                                                  ? ""
                                                  : "\n * The first call chooses "
                                                    "the last of the variants "
                                                    "above that the machine "
                                                    "can\n * run."),
                      inputType, between);
  os << llvm::formatv("#ifndef {0}_DYADIC_H\n#define {0}_DYADIC_H\n\n"
                      "#include <stdint.h>\n\n"
                      "#ifdef __cplusplus\nextern \"C\" {{\n#endif\n\n",
                      upper);
  // A whole number of alignments, as aligned_alloc wants it.
  os << llvm::formatv("#define {0}_ARENA_ALIGNMENT 64\n"
                      "#define {0}_ARENA_BYTES {1}\n"
                      "#define {0}_WEIGHT_BYTES {2} /* inside the object */\n\n",
                      upper, llvm::alignTo(std::max<int64_t>(info.arenaBytes, 1), 64),
                      info.weightBytes);
  for (auto [name, tensor] : llvm::zip_equal(inputs, info.inputs))
    writeTensorMacros(os, upper + "_" + StringRef(name).upper(), tensor, "input");
  for (auto [name, tensor] : llvm::zip_equal(outputs, info.outputs))
    writeTensorMacros(os, upper + "_" + StringRef(name).upper(), tensor, "output");

  std::string parameters = parameterList(info, names);
  if (isGPU) {
    writeGPUFunctions(os, info, parameters, hasFallback);
  } else {
    os << R"(/* Runs the model once on dense row-major arrays.
 *
 * The arrays and the arena must not overlap. The arena is scratch memory of the
 * caller's, aligned as above; its contents need not be set and mean nothing
 * afterwards. Calls may run at the same time, each with its own arena. The
 * floating-point environment must be the default one (round to nearest even):
 * results are exact to the bit only there.
 */
)";
    os << "void " << info.name << "_run(" << parameters << "void *arena);\n\n";
    os << "/* Whether this machine has the instructions that the code needs"
       << (target.required().empty() ? "" : ":\n * " + target.required())
       << ".\n * Elsewhere " << info.name << "_run would crash. */\nint "
       << info.name << "_supported(void);\n\n";
  }
  os << "#ifdef __cplusplus\n}\n#endif\n#endif\n";
  return text;
}

} // namespace dyadic
