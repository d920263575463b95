//===- Artifact.cpp -------------------------------------------------------===//
#include "dyadic/Emit/Artifact.h"

#include "Link.h"
#include "dyadic/Emit/Header.h"
#include "dyadic/Emit/Variants.h"
#include "dyadic/Support/OutputFile.h"
#include "dyadic/Target/Target.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/TargetParser/Triple.h"

using namespace mlir;
namespace path = llvm::sys::path;

namespace dyadic {

ArtifactKind artifactKindOf(StringRef file) {
  StringRef extension = path::extension(file);
  if (extension == ".o")
    return ArtifactKind::Object;
  if (extension == ".a")
    return ArtifactKind::Archive;
  if (extension == ".so")
    return ArtifactKind::SharedLibrary;
  if (extension == ".s" || extension == ".ptx")
    return ArtifactKind::Assembly;
  if (extension == ".cubin")
    return ArtifactKind::Cubin;
  return ArtifactKind::Executable;
}

std::string modelNameOf(StringRef file) {
  StringRef stem = path::filename(file);
  ArtifactKind kind = artifactKindOf(file);
  if (kind != ArtifactKind::Executable)
    stem = path::stem(file);
  if (kind == ArtifactKind::Archive || kind == ArtifactKind::SharedLibrary)
    stem.consume_front("lib");
  return toIdentifier(stem);
}

/// Reports what kept a file from being written.
static LogicalResult check(llvm::Error error, Location loc) {
  if (!error)
    return success();
  return emitError(loc) << llvm::toString(std::move(error));
}

/// An archive with one member; the same bytes give the same archive.
static LogicalResult makeArchive(StringRef object, StringRef memberName,
                                 StringRef triple,
                                 std::unique_ptr<llvm::MemoryBuffer> &archive,
                                 Location loc) {
  llvm::NewArchiveMember member(llvm::MemoryBufferRef(object, memberName));
  auto buffer = llvm::writeArchiveToBuffer(
      member, llvm::SymtabWritingMode::NormalSymtab,
      llvm::object::Archive::getDefaultKindForTriple(llvm::Triple(triple)),
      /*Deterministic=*/true, /*Thin=*/false);
  if (!buffer)
    return emitError(loc) << "the archive could not be made: "
                          << llvm::toString(buffer.takeError());
  archive = std::move(*buffer);
  return success();
}

static LogicalResult fill(OutputFile &file, ArtifactKind kind, StringRef code,
                          const ProgramInfo &info, StringRef triple,
                          StringRef target, const EmitOptions &options,
                          Location loc) {
  LinkJob job{code,   triple, file.temporaryPath(), target, options.isStatic,
              options.threads > 1};
  switch (kind) {
  case ArtifactKind::Object:
  case ArtifactKind::Assembly:
  case ArtifactKind::Cubin:
    file.os() << code;
    return success();
  case ArtifactKind::Archive: {
    std::unique_ptr<llvm::MemoryBuffer> archive;
    if (failed(makeArchive(code, info.name + ".o", triple, archive, loc)))
      return failure();
    file.os() << archive->getBuffer();
    return success();
  }
  case ArtifactKind::SharedLibrary:
    return linkSharedLibrary(job, loc);
  case ArtifactKind::Executable:
    break;
  }
  return linkExecutable(job, loc);
}

LogicalResult writeArtifact(ModuleOp module, const ProgramInfo &info,
                            EmitOptions options, StringRef target) {
  Location loc = module.getLoc();
  ArtifactKind kind = artifactKindOf(target);
  options.forExecutable = kind == ArtifactKind::Executable;

  bool isGPU = options.target.target && options.target.target->isGPU();
  if (!isGPU && (kind == ArtifactKind::Cubin ||
                 path::extension(target) == ".ptx"))
    return emitError(loc) << "'" << target
                          << "' needs the target nvptx64, but the target is '"
                          << options.target.triple << "'";
  if (info.lengths && kind == ArtifactKind::Executable)
    return emitError(loc) << "expected fixed shapes for an executable, but a length is "
                             "left open: write an .o, .a or .so, or give --shape one "
                             "extent for each dimension";
  std::string triple =
      isGPU ? options.gpu.host.triple : options.target.triple;
  if (failed(checkLinker(kind, triple, loc)))
    return failure();
  // Before the long part: a path that can't be written is known at once.
  auto file = OutputFile::create(target);
  if (!file)
    return check(file.takeError(), loc);
  llvm::SmallString<128> headerPath(target);
  path::replace_extension(headerPath, ".h");
  bool withHeader = kind == ArtifactKind::Object ||
                    kind == ArtifactKind::Archive ||
                    kind == ArtifactKind::SharedLibrary;
  std::unique_ptr<OutputFile> header;
  if (withHeader) {
    auto created = OutputFile::create(headerPath);
    if (!created)
      return check(created.takeError(), loc);
    header = std::move(*created);
  }

  llvm::SmallVector<char, 0> code;
  if (failed(compile(module, info, options,
                     kind == ArtifactKind::Assembly ? CodeKind::Assembly
                     : kind == ArtifactKind::Cubin  ? CodeKind::Cubin
                                                    : CodeKind::Object,
                     code)))
    return failure();
  if (failed(fill(**file, kind, StringRef(code.data(), code.size()), info,
                  triple, target, options, loc)) ||
      failed(check((*file)->flush(), loc)))
    return failure();
  if (header) {
    header->os() << makeHeader(info, options.target,
                               bool(options.gpu.fallback),
                               variantNames(options.variants), options.threads);
    if (failed(check(header->commit(), loc)))
      return failure();
  }
  return check((*file)->commit(), loc);
}

} // namespace dyadic
