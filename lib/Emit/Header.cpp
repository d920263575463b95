//===- Header.cpp ---------------------------------------------------------===//
#include "dyadic/Emit/Header.h"

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
      "int32_t", "int64_t", "float",  "double"};
  return types[static_cast<int>(kind)];
}

/// Parameter names: identifiers that differ from each other and from C's words.
static std::vector<std::string> parameterNames(const ProgramInfo &info) {
  llvm::StringSet<> taken;
  for (StringRef word :
       {"arena", "auto", "break", "case", "char", "const", "continue",
        "default", "do", "double", "else", "enum", "extern", "float", "for",
        "goto", "if", "inline", "int", "long", "register", "restrict", "return",
        "short", "signed", "sizeof", "static", "struct", "switch", "typedef",
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

std::string makeHeader(const ProgramInfo &info, const TargetInfo &target) {
  std::string text;
  llvm::raw_string_ostream os(text);
  std::string upper = StringRef(info.name).upper();
  std::vector<std::string> names = parameterNames(info);
  ArrayRef<std::string> inputs = ArrayRef(names).take_front(info.inputs.size());
  ArrayRef<std::string> outputs = ArrayRef(names).drop_front(info.inputs.size());

  // The example shows the first of each.
  StringRef input = inputs.empty() ? "input" : StringRef(inputs.front());
  StringRef output = outputs.empty() ? "output" : StringRef(outputs.front());
  os << llvm::formatv(R"(/* The model '{0}', compiled by dyadic for {1} ({2}).
 *
 *   static float {3}[{4}_{5}_SIZE], {6}[{4}_{7}_SIZE];
 *   void *arena = aligned_alloc({4}_ARENA_ALIGNMENT, {4}_ARENA_BYTES);
 *   {0}_run({8}, arena);
 *
 * Link with -lm. Nothing is allocated, nothing is kept between calls.
 */
)",
                      info.name, target.triple, target.level, input,
                      upper, input.upper(), output, output.upper(),
                      llvm::join(names, ", "));
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

  os << R"(/* Runs the model once on dense row-major arrays.
 *
 * The arrays and the arena must not overlap. The arena is scratch memory of the
 * caller's, aligned as above; its contents need not be set and mean nothing
 * afterwards. Calls may run at the same time, each with its own arena. The
 * floating-point environment must be the default one (round to nearest even):
 * results are exact to the bit only there.
 */
)";
  os << "void " << info.name << "_run(";
  for (auto [name, tensor] : llvm::zip_equal(inputs, info.inputs))
    os << "const " << cType(tensor.kind) << " *" << name << ", ";
  for (auto [name, tensor] : llvm::zip_equal(outputs, info.outputs))
    os << cType(tensor.kind) << " *" << name << ", ";
  os << "void *arena);\n\n";
  os << "#ifdef __cplusplus\n}\n#endif\n#endif\n";
  return text;
}

} // namespace dyadic
