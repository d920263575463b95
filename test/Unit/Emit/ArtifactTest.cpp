//===- ArtifactTest.cpp - files on disk, linked and run -------------------===//
#include "EmitTest.h"
#include "Program.h"

#include "dyadic/Emit/Artifact.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <cstdlib>
#include <fstream>
#include <sys/wait.h>

using namespace dyadic;
using namespace mlir;
namespace fs = llvm::sys::fs;

namespace {

class ArtifactTest : public EmitTest {
protected:
  ArtifactTest() {
    SmallString<128> path;
    EXPECT_FALSE(fs::createUniqueDirectory("dyadic-test", path));
    directory = path.str().str();
  }
  ~ArtifactTest() override { fs::remove_directories(directory); }

  LogicalResult write(StringRef name) {
    auto module = parse(kProgram);
    return writeArtifact(*module, programInfo(), host(), path(name));
  }
  std::string path(StringRef name) { return directory + "/" + name.str(); }

  /// Runs a shell command in the directory; its output goes to `output`.
  int shell(const std::string &command) {
    int status = std::system(
        ("cd " + directory + " && (" + command + ") > log 2>&1").c_str());
    output = contents("log");
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  std::string contents(StringRef name) {
    auto buffer = llvm::MemoryBuffer::getFile(path(name));
    return buffer ? (*buffer)->getBuffer().str() : "";
  }
  std::vector<std::string> list() {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator it(directory, error), end; it != end && !error;
         it.increment(error))
      names.push_back(llvm::sys::path::filename(it->path()).str());
    llvm::sort(names);
    return names;
  }

  /// A .npy file of float32.
  void writeNpy(StringRef name, StringRef shape, ArrayRef<float> values) {
    std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" +
                         shape.str() + "), }";
    header.resize(117, ' ');
    header += '\n';
    std::ofstream os(path(name), std::ios::binary);
    os << "\x93NUMPY\x01" << '\0' << char(header.size()) << '\0' << header;
    os.write(reinterpret_cast<const char *>(values.data()), values.size() * 4);
  }
  std::vector<float> readNpy(StringRef name) {
    std::string bytes = contents(name);
    size_t start = 10 + uint8_t(bytes[8]) + 256 * uint8_t(bytes[9]);
    std::vector<float> values((bytes.size() - start) / 4);
    std::memcpy(values.data(), bytes.data() + start, values.size() * 4);
    return values;
  }

  std::string directory, output;
};

constexpr char kCaller[] = R"(
#include "m.h"
#include <stdio.h>
int main(void) {
  static _Alignas(M_ARENA_ALIGNMENT) char arena[M_ARENA_BYTES];
  float x[M_X_SIZE] = {1, 2, 3, 4}, y[M_Y_SIZE];
  m_run(x, y, arena);
  printf("%g %g %g %g\n", y[0], y[1], y[2], y[3]);
  return 0;
}
)";

TEST_F(ArtifactTest, LibrariesServeACCaller) {
  std::ofstream(path("caller.c")) << kCaller;
  for (StringRef name : {"m.o", "m.a", "m.so"}) {
    ASSERT_TRUE(succeeded(write(name)));
    EXPECT_EQ(shell("cc -std=c11 -Wall -Wextra -Werror -pedantic caller.c ./" +
                    name.str() + " -lm -Wl,-rpath,. -o caller && ./caller"),
              0)
        << output;
    EXPECT_EQ(output, "3 9 10 5\n");
  }
  EXPECT_EQ(shell("c++ -x c++ -fsyntax-only m.h"), 0) << output;
  EXPECT_EQ(shell("nm -D --defined-only m.so"), 0);
  EXPECT_EQ(output.find("weights"), std::string::npos) << output;
}

TEST_F(ArtifactTest, ExecutableRunsArrays) {
  ASSERT_TRUE(succeeded(write("m")));
  writeNpy("x.npy", "2, 4", {1, 2, 3, 4, 0, 0, 0, 1});
  EXPECT_EQ(shell("./m x.npy"), 1); // rank 1 has no room for a batch
  writeNpy("x.npy", "8,", {1, 2, 3, 4, 0, 0, 0, 1});
  EXPECT_EQ(shell("./m x.npy -o y.npy"), 0) << output;
  EXPECT_EQ(readNpy("y.npy"), std::vector<float>({3, 9, 10, 5, 1, 1, 1, 2}));
  EXPECT_EQ(shell("./m x=x.npy --output=y.npz --keep-all kept.npz"), 0) << output;
  EXPECT_EQ(shell("./m kept.npz -o z.npy"), 0) << output; // one array, one input
  EXPECT_EQ(readNpy("z.npy"), std::vector<float>({5, 33, 28, 5, 1, 1, 1, 2}));
  EXPECT_EQ(shell("./m x.npy"), 0);
  EXPECT_EQ(output, "y 4: 3 9 10 5  (largest: 10 at 2)\n"
                    "y 4: 1 1 1 2  (largest: 2 at 3)\n");
}

TEST_F(ArtifactTest, ExecutableExplainsItself) {
  ASSERT_TRUE(succeeded(write("m")));
  EXPECT_EQ(shell("./m --help"), 0);
  EXPECT_NE(output.find("  x                        float32 4\n"),
            std::string::npos)
      << output;
  EXPECT_EQ(shell("./m --benchmark 5"), 0);
  EXPECT_NE(output.find("5 runs: median "), std::string::npos) << output;
}

TEST_F(ArtifactTest, ExecutableRefusesBadInput) {
  ASSERT_TRUE(succeeded(write("m")));
  writeNpy("x.npy", "4,", {1, 2, 3, 4});
  writeNpy("short.npy", "4,", {1, 2, 3});
  writeNpy("wrong.npy", "3,", {1, 2, 3});
  writeNpy("huge.npy", "4611686018427387904, 4", {1});
  std::ofstream(path("junk")) << "PK\3\4 no zip";
  struct {
    const char *arguments;
    int status;
    const char *text;
  } cases[] = {
      {"none.npy", 1, "cannot read 'none.npy': No such file"},
      {"short.npy", 1, "'short.npy' is truncated"},
      {"wrong.npy", 1, "expected shape 4 for the input 'x'"},
      {"huge.npy", 1, "'huge.npy' is truncated"},
      {"junk", 1, "'junk' is truncated or not a valid .npz file"},
      {"m.c", 1, "cannot read"},
      {"x.npy x.npy", 2, "'x.npy' is one too many"},
      {"-o y.npy", 2, "the input 'x' is missing"},
      {"--frobnicate", 2, "unknown option '--frobnicate'"},
      {"x.npy -o no/y.npy", 1, "cannot write 'no/y.npy': No such file"},
      {"x.npy -o /dev/full", 1, "cannot write '/dev/full': No space left"},
      {"", 2, "usage:"},
  };
  for (auto &test : cases) {
    EXPECT_EQ(shell("./m " + std::string(test.arguments)), test.status)
        << test.arguments;
    EXPECT_NE(output.find(test.text), std::string::npos)
        << test.arguments << ": " << output;
  }
}

TEST_F(ArtifactTest, NothingIsLeftBehindOnFailure) {
  std::string message;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    message = diagnostic.str();
  });
  EXPECT_TRUE(failed(write("no/m.o")));
  EXPECT_EQ(message, "cannot write " + path("no/m.o") +
                         ": No such file or directory");
  ASSERT_FALSE(llvm::sys::fs::create_link("/dev/full", path("full.o")));
  EXPECT_TRUE(failed(write("full.o")));
  EXPECT_NE(message.find("No space left on device"), std::string::npos) << message;
  ASSERT_FALSE(llvm::sys::fs::remove(path("full.o")));
  // A module that does not compile.
  ProgramInfo info = programInfo();
  info.name = "other";
  EXPECT_TRUE(failed(
      writeArtifact(*parse(kProgram), info, host(), path("other.o"))));
  // No compiler to link with.
  std::string saved = getenv("PATH");
  llvm::scope_exit restore([&] { setenv("PATH", saved.c_str(), 1); });
  setenv("PATH", "/nowhere", 1);
  EXPECT_TRUE(failed(write("m")));
  EXPECT_NE(message.find("apt-get install gcc"), std::string::npos) << message;
  EXPECT_TRUE(list().empty());
}

TEST(ModelName, ComesFromThePath) {
  EXPECT_EQ(modelNameOf("out/libdigits.so"), "digits");
  EXPECT_EQ(modelNameOf("out/library"), "library");
  EXPECT_EQ(modelNameOf("net.v2.o"), "net_v2");
}

} // namespace
