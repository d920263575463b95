//===- ForeignProgram.cpp - programs for other machines, under QEMU -------===//
#include "dyadic/Pipeline/Program.h"

#include "dyadic/Support/Npy.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/TargetParser/Triple.h"

using namespace mlir;
namespace fs = llvm::sys::fs;

namespace dyadic {

/// QEMU's and Debian's names for a kind of machine; null where QEMU runs no
/// program of it.
static const char *emulatorOf(const llvm::Triple &triple) {
  using llvm::Triple;
  switch (triple.getArch()) {
  case Triple::aarch64:
    return "aarch64";
  case Triple::arm:
  case Triple::thumb:
    return "arm";
  case Triple::riscv64:
    return "riscv64";
  case Triple::x86_64:
    return "x86_64";
  case Triple::x86:
    return "i386";
  case Triple::ppc64le:
    return "ppc64le";
  case Triple::systemz:
    return "s390x";
  default:
    return nullptr;
  }
}

/// QEMU's name for the CPU that code is for, "" for its own choice.
static StringRef emulatedCPU(const TargetInfo &target) {
  llvm::Triple triple(target.triple);
  if (triple.isRISCV())
    return "";
  if (!triple.isAArch64())
    return "max";
  return llvm::StringSwitch<StringRef>(target.cpu)
      .Cases({"cortex-a35", "cortex-a53", "cortex-a57", "cortex-a72",
              "cortex-a76", "neoverse-n1", "a64fx"},
             target.features.empty() ? StringRef(target.cpu) : StringRef("max"))
      .Default("max");
}

namespace {
/// Starts the executable anew for each batch, with .npz files in and out.
class ForeignProgram : public Program {
public:
  static FailureOr<std::unique_ptr<Program>> create(Compilation &compilation);
  ~ForeignProgram() override {
    for (const std::string &file : {executable, in, out, kept, log})
      if (!file.empty())
        fs::remove(file);
    if (!folder.empty())
      fs::remove(folder);
  }

  FailureOr<SmallVector<HostTensor>> run(ArrayRef<HostTensor> inputs,
                                         std::vector<HostTensor> *kept) override;

private:
  explicit ForeignProgram(Location loc) : loc(loc) {}
  LogicalResult fail(llvm::Error error) {
    return emitError(loc) << llvm::toString(std::move(error));
  }
  LogicalResult start(bool keepAll);
  template <typename Tensors>
  LogicalResult read(StringRef path, ArrayRef<TensorInfo> expected,
                     Tensors &tensors);

  Location loc;
  std::vector<std::string> command;
  std::string folder, executable, in, out, kept, log;
};
} // namespace

FailureOr<std::unique_ptr<Program>>
ForeignProgram::create(Compilation &compilation) {
  Location loc = compilation.location();
  const TargetInfo &target = compilation.options().target;
  llvm::Triple triple(target.triple);
  const char *machine = emulatorOf(triple);
  if (!machine || !triple.isOSLinux() || triple.isAndroid())
    return emitError(loc) << "expected a target whose programs QEMU runs here, "
                             "such as aarch64-linux-gnu, but got '"
                          << target.triple << "'";
  std::string emulator = ("qemu-" + StringRef(machine)).str();
  auto path = llvm::sys::findProgramByName(emulator);
  if (!path)
    path = llvm::sys::findProgramByName(emulator + "-static");
  if (!path)
    return emitError(loc) << "expected " << emulator
                          << " on PATH to run programs for '" << target.triple
                          << "'; on Debian: apt-get install qemu-user";
  std::unique_ptr<ForeignProgram> program(new ForeignProgram(loc));
  llvm::SmallString<128> folder;
  if (auto error = fs::createUniqueDirectory("dyadic-run", folder))
    return emitError(loc) << "cannot make a temporary folder: "
                          << error.message();
  program->folder = folder.str().str();
  auto at = [&](StringRef name) {
    return (folder.str() + "/" + name).str();
  };
  program->executable = at("model");
  program->in = at("in.npz");
  program->out = at("out.npz");
  program->kept = at("kept.npz");
  program->log = at("log");
  program->command.push_back(*path);
  // A core that lacks what its program needs says so.
  if (StringRef cpu = emulatedCPU(target); !cpu.empty()) {
    program->command.push_back("-cpu");
    program->command.push_back(cpu.str());
  }
  program->command.push_back(program->executable);
  for (StringRef option : {StringRef(program->in), StringRef("--output"),
                           StringRef(program->out)})
    program->command.push_back(option.str());

  if (failed(compilation.advance(Level::Loops)))
    return failure();
  program->program = compilation.info();
  EmitOptions emit = compilation.emitOptions();
  emit.isStatic = true; // QEMU needs no C library of the target's then
  if (failed(compilation.write(program->executable, emit)))
    return failure();
  return std::unique_ptr<Program>(std::move(program));
}

LogicalResult ForeignProgram::start(bool keepAll) {
  SmallVector<StringRef> arguments(command.begin(), command.end());
  if (keepAll) {
    arguments.push_back("--keep-all");
    arguments.push_back(kept);
  }
  std::optional<StringRef> redirects[] = {StringRef(""), StringRef(log),
                                          StringRef(log)};
  std::string message;
  int status = llvm::sys::ExecuteAndWait(command.front(), arguments, std::nullopt,
                                         redirects, 0, 0, &message);
  if (status == 0)
    return success();
  if (auto text = llvm::MemoryBuffer::getFile(log))
    message += (*text)->getBuffer().rtrim();
  return emitError(loc) << "the program failed under " << command.front() << ": "
                        << message;
}

template <typename Tensors>
LogicalResult ForeignProgram::read(StringRef path, ArrayRef<TensorInfo> expected,
                                   Tensors &tensors) {
  auto archive = NpzArchive::open(path);
  if (!archive)
    return fail(archive.takeError());
  for (const TensorInfo &tensor : expected) {
    auto array = (*archive)->get(tensor.name);
    if (!array)
      return fail(array.takeError());
    auto value = (*array)->readAll();
    if (!value)
      return fail(value.takeError());
    tensors.push_back(std::move(*value));
  }
  return success();
}

FailureOr<SmallVector<HostTensor>>
ForeignProgram::run(ArrayRef<HostTensor> inputs, std::vector<HostTensor> *keptTensors) {
  auto writer = NpzWriter::create(in);
  if (!writer)
    return fail(writer.takeError());
  for (auto [info, tensor] : llvm::zip(program.inputs, inputs))
    (*writer)->add(info.name, tensor);
  if (auto error = (*writer)->finish())
    return fail(std::move(error));
  SmallVector<HostTensor> outputs;
  if (failed(start(keptTensors)) || failed(read(out, program.outputs, outputs)))
    return failure();
  if (keptTensors) {
    keptTensors->clear();
    if (failed(read(kept, program.kept, *keptTensors)))
      return failure();
  }
  return outputs;
}

FailureOr<std::unique_ptr<Program>> makeForeignProgram(Compilation &compilation) {
  return ForeignProgram::create(compilation);
}

} // namespace dyadic
